//! Shards that go: their users are sent elsewhere first.

use std::time::Duration;

use protocol::hint::Hint;
use serde_json::json;

use crate::support::{Client, Cluster, patient};

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_drains_sends_everybody_away_and_takes_nobody() {
    let mut cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 1]).await;
    let group = cluster.group(&[ada, bob, cyd]).await;
    let (mut a, mut b, mut c) =
        (cluster.connect(ada).await, cluster.connect(bob).await, cluster.connect(cyd).await);
    let table = cluster.tables.drained(0);
    cluster.tables.tell_all(&table);
    let shard = cluster.nodes[0].shard.clone();
    let draining = tokio::spawn(async move { shard.drain(Duration::from_secs(3600)).await });
    for client in [&mut a, &mut b] {
        let reconnect = client.until(|frame| frame["type"] == "reconnect").await;
        assert_eq!(reconnect["url"], json!(cluster.nodes[1].url));
        assert!(reconnect["after_ms"].as_u64().unwrap() < 3_600_000);
    }
    while cluster.open_to(0, ada).await.is_ok() {}
    let refused = cluster.open_to(0, ada).await.err().unwrap();
    assert_eq!((refused.status, refused.retry_after.as_deref()), (503, Some("2")));
    // Those who are there are served until they go.
    a.say(group, "one").await;
    c.event(group, 1).await;
    c.say(group, "two").await;
    b.event(group, 2).await;
    a.close().await;
    b.close().await;
    // Nobody is there any more, so it is over long before its time.
    draining.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_go_is_closed_at_the_end() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let mut clients = [cluster.connect(ada).await, cluster.connect(ada).await, cluster.connect(bob).await];
    cluster.nodes[0].shard.drain(Duration::ZERO).await;
    for client in &mut clients {
        assert_eq!(client.close_code().await, 4503);
        let reconnect = &client.seen.reconnects[0];
        assert_eq!(
            (&reconnect["reason"], &reconnect["url"]),
            (&json!("draining"), &json!(cluster.nodes[1].url))
        );
    }
    cluster.emptied().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_in_the_middle_of_it_is_sent_away_as_well() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada] = &cluster.people_on([0]).await;
    cluster.trouble.hold("memberships");
    let mut a = cluster.open_unread(ada).await;
    cluster.trouble.waiting(1).await;
    cluster.nodes[0].shard.drain(Duration::ZERO).await;
    cluster.trouble.release();
    a.welcome().await;
    assert_eq!(a.close_code().await, 4503);
    assert_eq!(a.seen.reconnects[0]["reason"], "draining");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_not_used_up_by_a_shard_that_takes_nobody() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada] = &cluster.people_on([0]).await;
    let ticket = cluster.people.ticket(ada);
    let at = |shard: usize| format!("{}?ticket={ticket}", cluster.nodes[shard].url);
    cluster.nodes[0].shard.drain(Duration::ZERO).await;
    assert_eq!(Client::open(&at(0), None, &ada.name).await.err().unwrap().status, 503);
    assert!(Client::open(&at(1), None, &ada.name).await.is_ok());
    assert_eq!(Client::open(&at(1), None, &ada.name).await.err().unwrap().status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_stops_closes_what_is_open_and_leaves_nothing_running() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    cluster.nodes[0].stop.cancel();
    assert_eq!(a.close_code().await, 1001);
    // The other one goes on.
    cluster.hint(1, Hint::LoginEnded { login: bob.login, user: bob.name.clone() }).await;
    assert_eq!(b.close_code().await, 4401);
    cluster.stop().await;
}
