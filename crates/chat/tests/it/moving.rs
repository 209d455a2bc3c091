//! Users who move from shard to shard while they talk.

use std::time::Duration;

use chat::Options;
use serde_json::json;

use crate::support::{Cluster, patient};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_moved_misses_nothing_on_the_old_connection_or_the_new() {
    let mut cluster = Cluster::start(3, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let (mut a, mut old) = (cluster.connect(ada).await, cluster.connect(bob).await);
    a.say(pair, "one").await;
    old.event(pair, 1).await;
    // Bob moves from the second to the third; the first, where Ada is, has not heard of it.
    let table = cluster.tables.give(&bob.name, 2);
    cluster.tables.tell(1, &table);
    cluster.tables.tell(2, &table);
    let reconnect = old.until(|frame| frame["type"] == "reconnect").await;
    assert_eq!((&reconnect["url"], &reconnect["reason"]), (&json!(cluster.nodes[2].url), &json!("moved")));
    let mut new = cluster.open(bob).await;
    assert_eq!(new.welcome["epoch"], json!(table.epoch));
    new.resume(&[(pair, 1)]).await;
    // A hint to the old shard is passed on to the new, and both show it.
    a.say(pair, "two").await;
    old.event(pair, 2).await;
    new.event(pair, 2).await;
    // What is said on either connection reaches the other one, and Ada.
    old.say(pair, "three").await;
    new.event(pair, 3).await;
    new.say(pair, "four").await;
    old.event(pair, 4).await;
    a.event(pair, 4).await;
    // The first hears of it too, and of further tables: the old shard is told as long as the old connection may be there.
    cluster.tables.tell(0, &table);
    for id in ["five", "six", "seven"] {
        let next = cluster.tables.again();
        cluster.tables.tell_all(&next);
        for shard in 0..3 {
            cluster.follows(shard, &next).await;
        }
        let seq = a.say(pair, id).await["seq"].as_u64().unwrap();
        old.event(pair, seq).await;
        new.event(pair, seq).await;
    }
    assert_eq!(old.seen.whole_from(pair, 0), 7);
    assert_eq!(new.seen.whole_from(pair, 1), 7);
    assert_eq!(a.seen.whole_from(pair, 0), 7);
    assert_eq!((old.seen.reconnects.len(), new.seen.reconnects.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_comes_late_changes_nothing() {
    let mut cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let first = cluster.tables.newest().clone();
    let there = cluster.tables.give(&bob.name, 0);
    let back = cluster.tables.give(&bob.name, 1);
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    // The newest comes first, then those before it.
    for shard in 0..2 {
        for table in [&back, &there, &first] {
            cluster.tables.tell(shard, table);
            cluster.follows(shard, &back).await;
        }
    }
    a.say(pair, "one").await;
    b.event(pair, 1).await;
    b.say(pair, "two").await;
    a.event(pair, 2).await;
    b.ping("last").await;
    assert!(b.seen.reconnects.is_empty(), "{:?}", b.seen.reconnects);
    assert_eq!(cluster.open(bob).await.welcome["epoch"], json!(back.epoch));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_served_and_sent_home() {
    let options = Options { stranger_patience: Duration::from_millis(20), ..patient() };
    let cluster = Cluster::start(2, options, 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    let mut b = cluster.connect_to(0, bob).await;
    b.say(pair, "one").await;
    a.event(pair, 1).await;
    let reconnect = b.until(|frame| frame["type"] == "reconnect").await;
    assert_eq!(reconnect["url"], json!(cluster.nodes[1].url));
    // Served until they go.
    a.say(pair, "two").await;
    b.event(pair, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_device_of_a_user_is_sent_away_once() {
    let mut cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let mut devices = [cluster.connect(ada).await, cluster.connect(ada).await];
    let mut b = cluster.connect(bob).await;
    let table = cluster.tables.give(&ada.name, 1);
    let next = cluster.tables.again();
    for table in [&table, &next] {
        cluster.tables.tell_all(table);
        cluster.follows(0, table).await;
    }
    for device in &mut devices {
        device.until(|frame| frame["type"] == "reconnect").await;
        device.ping("last").await;
        assert_eq!(device.seen.reconnects.len(), 1);
    }
    b.ping("last").await;
    assert!(b.seen.reconnects.is_empty());
}
