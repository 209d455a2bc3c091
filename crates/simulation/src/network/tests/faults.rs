//! What a stream does while something is wrong.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::{accept, connected, is_quiet, millis_since, network, pass, read, read_all, write};
use crate::network::WINDOW;

#[tokio::test(start_paused = true)]
async fn a_slow_way_is_slow_and_the_others_are_not() {
    let network = network(1, 2..=2);
    let (mut device, mut shard) = connected(&network).await;
    let mut listener = network.listen("chat-1:80");
    let mut device_too = network.connect("device", "chat-1:80").await.unwrap();
    let mut other_shard = accept(&mut listener).await;
    network.slow("chat-0", "device", 500..=500);
    let start = Instant::now();
    write(&mut device_too, "fast").await;
    write(&mut device, "slow").await;
    assert_eq!((read(&mut other_shard, 4).await, millis_since(start)), ("fast".to_owned(), 2));
    assert_eq!((read(&mut shard, 4).await, millis_since(start)), ("slow".to_owned(), 500));
    network.slow("device", "chat-0", None);
    write(&mut shard, "fast").await;
    assert_eq!((read(&mut device, 4).await, millis_since(start)), ("fast".to_owned(), 502));
}

#[tokio::test(start_paused = true)]
async fn silence_holds_everything_back_until_it_is_healed() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "arrived ").await;
    pass(7).await;
    write(&mut device, "under way ").await;
    network.silence("chat-0", "device", true);
    write(&mut device, "meanwhile").await;
    write(&mut shard, "back").await;
    // What has arrived is at the other end already.
    assert_eq!(read(&mut shard, 8).await, "arrived ");
    assert!(is_quiet(&mut shard).await && is_quiet(&mut device).await);
    network.silence("device", "chat-0", false);
    let start = Instant::now();
    assert_eq!(read(&mut shard, 19).await, "under way meanwhile");
    assert_eq!(read(&mut device, 4).await, "back");
    assert_eq!(millis_since(start), 7);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_woken_when_a_silent_way_is_healed() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    network.silence("chat-0", "device", true);
    write(&mut device, "late").await;
    let reading = tokio::spawn(async move { read(&mut shard, 4).await });
    pass(1000).await;
    assert!(!reading.is_finished());
    network.silence("chat-0", "device", false);
    assert_eq!(reading.await.unwrap(), "late");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_close_over_a_silent_way() {
    let network = network(1, 7..=7);
    let (mut device, shard) = connected(&network).await;
    network.silence("*", "chat-0", true);
    drop(shard);
    assert!(is_quiet(&mut device).await);
    write(&mut device, "to nobody").await;
    network.silence("*", "chat-0", false);
    assert_eq!(read_all(&mut device).await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn the_window_fills_over_a_silent_way_and_opens_when_it_is_healed() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    network.silence("chat-0", "device", true);
    let writing = tokio::spawn(async move { device.write_all(&[b'x'; WINDOW + 1]).await });
    pass(60_000).await;
    assert!(!writing.is_finished());
    network.silence("chat-0", "device", false);
    let mut all = Vec::new();
    shard.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), WINDOW + 1);
    writing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn connecting_hangs_while_the_way_is_silent() {
    let network = network(1, 7..=7);
    let _listener = network.listen("chat-0:80");
    network.silence("device", "chat-0", true);
    let connecting = tokio::spawn({
        let network = network.clone();
        async move { network.connect("device", "chat-0:80").await }
    });
    pass(60_000).await;
    assert!(!connecting.is_finished());
    network.connect("other", "chat-0:80").await.unwrap();
    network.silence("device", "chat-0", false);
    let start = Instant::now();
    connecting.await.unwrap().unwrap();
    assert_eq!(millis_since(start), 14);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_not_made_if_the_way_falls_silent_meanwhile() {
    let network = network(1, 7..=7);
    let mut listener = network.listen("chat-0:80");
    let connecting = tokio::spawn({
        let network = network.clone();
        async move { network.connect("device", "chat-0:80").await }
    });
    pass(3).await;
    network.silence("device", "*", true);
    assert!(timeout(Duration::from_mins(1), listener.accept()).await.is_err());
    network.silence("device", "*", false);
    connecting.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_told_to_both_ends_and_loses_what_is_under_way() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut shard, "arrived").await;
    pass(7).await;
    write(&mut device, "lost").await;
    write(&mut shard, "lost").await;
    network.cut("chat-0");
    let start = Instant::now();
    assert_eq!(shard.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(shard.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(millis_since(start), 0);
    assert_eq!(read(&mut device, 7).await, "arrived");
    assert_eq!(device.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(millis_since(start), 7);
    // The next one is not concerned.
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "again").await;
    assert_eq!(read(&mut shard, 5).await, "again");
}

#[tokio::test(start_paused = true)]
async fn a_cut_leaves_a_beginning_of_what_was_sent() {
    for seed in 0..50 {
        let network = network(seed, 0..=50);
        let (mut device, mut shard) = connected(&network).await;
        for byte in 0..100 {
            device.write_all(&[byte]).await.unwrap();
        }
        pass(25).await;
        network.cut("device");
        let mut got = Vec::new();
        assert_eq!(shard.read_to_end(&mut got).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(got.iter().copied().eq(0..u8::try_from(got.len()).unwrap()), "{got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_cut_does_not_take_the_news_of_the_first_back() {
    let network = network(1, 7..=7);
    let (mut device, _shard) = connected(&network).await;
    network.cut("chat-0");
    network.cut("chat-0");
    assert_eq!(device.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_told_to_those_who_wait() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    let reading = tokio::spawn(async move {
        let error = shard.read_u8().await.unwrap_err();
        (shard, error.kind())
    });
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        let written = device.write_all(&[b'x'; 10 * WINDOW]).await;
        (written.unwrap_err().kind(), millis_since(start))
    });
    pass(1).await;
    network.cut("chat-0");
    // Kept, since dropping it would be told too.
    let (_shard, failure) = reading.await.unwrap();
    assert_eq!(failure, ErrorKind::ConnectionReset);
    assert_eq!(writing.await.unwrap(), (ErrorKind::ConnectionReset, 8));
}

#[tokio::test(start_paused = true)]
async fn peers_of_one_who_vanished_hear_nothing_more() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "heard").await;
    pass(7).await;
    write(&mut device, "not heard").await;
    network.vanish("device");
    write(&mut shard, "not heard").await;
    assert_eq!(read(&mut shard, 5).await, "heard");
    drop(device);
    network.silence("device", "chat-0", true);
    network.silence("device", "chat-0", false);
    assert!(is_quiet(&mut shard).await);
    // It comes back on another connection.
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "again").await;
    assert_eq!(read(&mut shard, 5).await, "again");
}

#[tokio::test(start_paused = true)]
async fn one_who_vanished_takes_no_more_than_the_window() {
    let network = network(1, 7..=7);
    let (device, mut shard) = connected(&network).await;
    network.vanish("device");
    drop(device);
    shard.write_all(&[b'x'; WINDOW]).await.unwrap();
    let more = timeout(Duration::from_mins(1), shard.write_all(b"x"));
    assert!(more.await.is_err());
}
