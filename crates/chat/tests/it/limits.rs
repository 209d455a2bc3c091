//! Bounds: on sockets, on what waits, on what one connection costs the others.

use chat::Options;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use protocol::Position;
use protocol::hint::{EventHint, Hint};
use serde_json::json;

use crate::support::{Cluster, kind, message, patient};

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_socket_of_a_user_gives_way() {
    let cluster = Cluster::start(1, Options { sockets_per_user: 2, ..patient() }, 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let mut first = cluster.connect(ada).await;
    let mut second = cluster.connect(ada).await;
    let _bob = [cluster.connect(bob).await, cluster.connect(bob).await];
    let mut third = cluster.connect(ada).await;
    assert_eq!(first.close_code().await, 4409);
    second.ping("there").await;
    third.ping("there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_come_at_once_give_way_as_well() {
    let cluster = Cluster::start(1, Options { sockets_per_user: 2, ..patient() }, 0).await;
    let [ada] = &cluster.people_on([0]).await;
    let opening = (0..30).map(|_| cluster.open_unread(ada));
    let opened = futures_util::future::join_all(opening).await;
    let closing = opened.into_iter().map(|mut client| async move { client.close_code().await });
    let mut closing: FuturesUnordered<_> = closing.collect();
    for _ in 0..28 {
        assert_eq!(closing.next().await, Some(4409));
    }
    cluster.metric(0, "chatapp_chat_connections", |open| open == 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_shard_takes_nobody_until_somebody_goes() {
    let cluster = Cluster::start(1, Options { max_sockets: 2, ..patient() }, 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 0]).await;
    let (first, mut second) = (cluster.connect(ada).await, cluster.connect(bob).await);
    let refused = cluster.open_to(0, cyd).await.err().unwrap();
    assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("2")));
    second.ping("there").await;
    first.close().await;
    while cluster.open_to(0, cyd).await.is_err() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_shard_is_not_overrun_by_many_at_once() {
    let cluster = Cluster::start(1, Options { max_sockets: 5, ..patient() }, 0).await;
    let [ada] = &cluster.people_on([0]).await;
    let opening = (0..200).map(|_| cluster.open_to(0, ada));
    let opened = futures_util::future::join_all(opening).await;
    assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_may_wait_for_the_store() {
    let cluster = Cluster::start(1, Options { in_flight: 4, ..patient() }, 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    cluster.trouble.hold("append");
    for number in 0..20 {
        a.send(&message(group, &format!("m{number}"))).await;
    }
    cluster.trouble.waiting(4).await;
    // What others say comes meanwhile.
    let seq = cluster.write(group, bob, "other").await;
    let position = Position { r#gen: 1, seq };
    cluster.hint(0, Hint::Event(EventHint { conversation: group, position, version: 1, body: None })).await;
    assert_eq!(a.event(group, seq).await["id"], "other");
    cluster.trouble.release();
    a.whole(group, 0, 21).await;
    let acked: Vec<_> = (0..20).map(|number| a.seen.acked(&format!("m{number}")).unwrap()).collect();
    assert!(acked.is_sorted(), "{acked:?}");
    assert_eq!(cluster.trouble.most_waiting(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_nothing_is_cut_and_costs_the_others_nothing() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 0]).await;
    let group = cluster.group(&[ada, bob, cyd]).await;
    let (mut a, b, mut c) =
        (cluster.connect(ada).await, cluster.connect(bob).await, cluster.connect(cyd).await);
    let text = "x".repeat(30_000);
    for number in 1..=100 {
        let id = format!("m{number}");
        a.post(json!({"type": "send", "id": id, "conversation": group, "text": text})).await;
        c.event(group, number).await;
    }
    cluster.metric(0, "chatapp_chat_overflows_total", |cut| cut == 1.0).await;
    drop(b);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_of_history_come_one_after_the_other() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    let text = "x".repeat(30_000);
    for number in 0..10 {
        cluster.write_text(group, ada, &format!("m{number}"), &text).await;
    }
    let mut b = cluster.connect(bob).await;
    for number in 0..60 {
        b.send(&json!({"type": "history", "id": format!("h{number}"), "conversation": group})).await;
    }
    for number in 0..60 {
        let page = b.until(|frame| kind(frame) == "history").await;
        assert_eq!(page["id"], format!("h{number}"));
        assert_eq!(page["messages"].as_array().unwrap().last().unwrap()["seq"], 10);
    }
}
