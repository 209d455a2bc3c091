//! What a stream does while nothing is wrong.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{accept, connected, is_quiet, millis_since, network, pass, read, read_all, write};
use crate::network::WINDOW;

#[tokio::test(start_paused = true)]
async fn connecting_takes_the_way_there_and_back() {
    let network = network(1, 7..=7);
    let mut listener = network.listen("chat-0:80");
    let start = Instant::now();
    let connecting = async {
        network.connect("device", "chat-0").await.unwrap();
        millis_since(start)
    };
    let accepting = async {
        assert_eq!(listener.accept().await.unwrap().1, "device");
        millis_since(start)
    };
    assert_eq!(tokio::join!(connecting, accepting), (14, 7));
}

#[tokio::test(start_paused = true)]
async fn bytes_take_the_delay_in_both_directions() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    let start = Instant::now();
    write(&mut device, "there").await;
    assert_eq!(millis_since(start), 0);
    assert_eq!(read(&mut shard, 5).await, "there");
    assert_eq!(millis_since(start), 7);
    write(&mut shard, "back").await;
    assert_eq!(read(&mut device, 4).await, "back");
    assert_eq!(millis_since(start), 14);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_already_is_woken_when_bytes_arrive() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    let start = Instant::now();
    let reading = tokio::spawn(async move { (read(&mut shard, 2).await, millis_since(start)) });
    pass(3).await;
    write(&mut device, "ab").await;
    assert_eq!(reading.await.unwrap(), ("ab".to_owned(), 10));
}

#[tokio::test(start_paused = true)]
async fn what_has_arrived_is_read_at_once() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "one").await;
    write(&mut device, "two").await;
    pass(60).await;
    let start = Instant::now();
    let mut bytes = [0; 64];
    assert_eq!(shard.read(&mut bytes).await.unwrap(), 6);
    assert_eq!((&bytes[..6], millis_since(start)), (&b"onetwo"[..], 0));
}

#[tokio::test(start_paused = true)]
async fn order_is_kept_whatever_the_delays_are() {
    let network = network(1, 0..=50);
    let (mut device, mut shard) = connected(&network).await;
    let sent: String = (0..500).map(|number| format!("{number} ")).collect();
    let expected = sent.clone();
    let writing = async {
        for number in sent.split_inclusive(' ') {
            write(&mut device, number).await;
            pass(1).await;
        }
        drop(device);
    };
    let (read, ()) = tokio::join!(read_all(&mut shard), writing);
    assert_eq!(read.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_felt() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    let writing = tokio::spawn(async move {
        device.write_all(&[b'x'; WINDOW]).await.unwrap();
        let full = Instant::now();
        device.write_all(&[b'y'; 10]).await.unwrap();
        millis_since(full)
    });
    pass(100).await;
    assert!(!writing.is_finished());
    assert_eq!(read(&mut shard, 4).await, "xxxx");
    pass(100).await;
    assert!(!writing.is_finished(), "six of the bytes find no room");
    assert_eq!(read(&mut shard, WINDOW - 4).await.len(), WINDOW - 4);
    assert_eq!(read(&mut shard, 10).await, "yyyyyyyyyy");
    assert_eq!(writing.await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn dropping_closes_after_what_was_written() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "last words").await;
    drop(device);
    let start = Instant::now();
    assert_eq!(read_all(&mut shard).await.unwrap(), "last words");
    assert_eq!(millis_since(start), 7);
    assert_eq!(shard.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn one_direction_can_end_before_the_other() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "question").await;
    device.shutdown().await.unwrap();
    assert_eq!(device.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(read_all(&mut shard).await.unwrap(), "question");
    write(&mut shard, "answer").await;
    assert_eq!(read(&mut device, 6).await, "answer");
    assert!(is_quiet(&mut device).await);
}

/// As in TCP: a close with bytes unread is no orderly end.
#[tokio::test(start_paused = true)]
async fn dropping_with_bytes_unread_breaks_the_connection() {
    let network = network(1, 7..=7);
    let (mut device, mut shard) = connected(&network).await;
    write(&mut device, "unread").await;
    write(&mut shard, "read").await;
    pass(7).await;
    drop(shard);
    assert_eq!(read(&mut device, 4).await, "read");
    assert_eq!(device.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(device.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_for_room_learns_that_nobody_reads() {
    let network = network(1, 7..=7);
    let (mut device, shard) = connected(&network).await;
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        let written = device.write_all(&[b'x'; 2 * WINDOW]).await;
        (written.unwrap_err().kind(), millis_since(start))
    });
    pass(100).await;
    drop(shard);
    assert_eq!(writing.await.unwrap(), (ErrorKind::ConnectionReset, 107));
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_where_nobody_does() {
    let network = network(1, 7..=7);
    let start = Instant::now();
    let refused = async |address: &str| network.connect("device", address).await.unwrap_err().kind();
    assert_eq!(refused("chat-0:80").await, ErrorKind::ConnectionRefused);
    assert_eq!(millis_since(start), 14);
    let listener = network.listen("chat-0:80");
    assert_eq!(refused("chat-0:81").await, ErrorKind::ConnectionRefused);
    drop(listener);
    assert_eq!(refused("chat-0:80").await, ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn one_who_listens_takes_the_place_of_the_one_before() {
    let network = network(1, 7..=7);
    let mut before = network.listen("chat-0:80");
    let mut after = network.listen("chat-0:80");
    let mut device = network.connect("device", "chat-0:80").await.unwrap();
    let mut shard = accept(&mut after).await;
    assert!(before.accept().await.is_none());
    drop(before);
    write(&mut shard, "new").await;
    assert_eq!(read(&mut device, 3).await, "new");
}

#[tokio::test(start_paused = true)]
async fn connections_that_nobody_accepts_wait_and_break_with_the_listener() {
    let network = network(1, 7..=7);
    let listener = network.listen("chat-0:80");
    let mut device = network.connect("device", "chat-0:80").await.unwrap();
    write(&mut device, "anybody?").await;
    pass(60).await;
    drop(listener);
    assert_eq!(device.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_process_dials_by_its_name() {
    let network = network(1, 7..=7);
    let mut listener = network.listen("chat-0:80");
    let mut stream = network.dialer("api-0").dial("chat-0").await.unwrap();
    let (mut shard, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, "api-0");
    stream.write_all(b"hello").await.unwrap();
    assert_eq!(read(&mut shard, 5).await, "hello");
}

/// Gives when each of many bytes arrives on two connections that are used at once.
async fn arrivals(seed: u64) -> Vec<(usize, u8, u128)> {
    let network = network(seed, 1..=40);
    let mut listener = network.listen("chat-0:80");
    let start = Instant::now();
    let (sender, mut arrived) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..2 {
        let mut device = network.connect("device", "chat-0:80").await.unwrap();
        let (mut shard, sender) = (accept(&mut listener).await, sender.clone());
        tokio::spawn(async move {
            for byte in 0..100 {
                device.write_all(&[byte]).await.unwrap();
                pass(u64::from(byte % 7)).await;
            }
        });
        tokio::spawn(async move {
            while let Ok(byte) = shard.read_u8().await {
                sender.send((number, byte, millis_since(start))).unwrap();
            }
        });
    }
    drop(sender);
    let mut all = Vec::new();
    while let Some(one) = arrived.recv().await {
        all.push(one);
    }
    all
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_times() {
    let first = arrivals(1).await;
    assert_eq!(first.len(), 200);
    assert_eq!(arrivals(1).await, first);
    assert_ne!(arrivals(2).await, first);
}
