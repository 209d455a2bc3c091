//! A new table: users move, nobody flaps, and only the new owner writes.

use std::time::Duration;

use ports::Inbox;
use presence::PresenceOptions;
use protocol::hint::{Envelope, Hint};
use protocol::presence::{Presence, Status};
use serde_json::json;

use crate::client::Client;
use crate::cluster::{Cluster, patient};

#[tokio::test]
async fn a_user_who_belongs_elsewhere_now_is_sent_there_and_served_until_then() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let mut device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");

    cluster.give_all_to(1);
    let reconnect = device.next().await;
    assert_eq!((&reconnect["type"], &reconnect["reason"]), (&json!("reconnect"), &json!("moved")));
    assert_eq!(reconnect["url"], format!("ws://{}/presence", there.address));
    // Still served: the owner is told, tells the watchers, and writes under the new table.
    device.choose("busy");
    assert_eq!(watching.presence().await, (ada.to_string(), "busy".to_owned()));
    let epoch = cluster.epoch();
    cluster.recorded(&ada, |record| record.status == Status::Busy && record.epoch == epoch).await;

    let moved = cluster.connect(&there, &ada).await;
    device.close().await;
    moved.choose("away");
    assert_eq!(watching.presence().await.1, "away");
}

#[tokio::test]
async fn an_owner_that_does_not_know_of_the_new_table_cannot_write_over_the_new_one() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start_cut_off(0, patient()).await, cluster.start(1, patient()).await);
    let ada = cluster.user("ada", 0).await;
    let old = cluster.connect(&here, &ada).await;
    cluster.recorded(&ada, |record| record.status == Status::Online).await;
    cluster.give_all_to(1);
    let new = cluster.connect(&there, &ada).await;
    new.choose("busy");
    cluster.recorded(&ada, |record| record.status == Status::Busy).await;
    old.choose("away");
    // What the old owner tried is refused, as its metrics say.
    let refused = "chatapp_presence_records_refused_total 1\n";
    while !here.metrics.render(telemetry::Format::Prometheus).contains(refused) {
        tokio::task::yield_now().await;
    }
    let record = cluster.recorded(&ada, |_| true).await;
    assert_eq!((record.status, record.epoch), (Status::Busy, cluster.epoch()));
}

#[tokio::test]
async fn what_an_earlier_owner_says_of_a_user_of_ours_is_of_times_that_are_over() {
    let mut cluster = Cluster::new(2).await;
    let there = cluster.start(1, patient()).await;
    let (ada, eve, bob) =
        (cluster.user("ada", 1).await, cluster.user("eve", 1).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    cluster.befriend(&eve, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    for (user, epoch) in [(&ada, cluster.epoch() - 1), (&eve, cluster.epoch())] {
        let presence =
            Presence { user: user.clone(), status: Status::Busy, last_seen: None, status_text: None };
        let hint = Hint::Presence { users: vec![presence] };
        let envelope = Envelope { epoch, passed_on: false, hint };
        cluster.store.publish(&there.name, vec![envelope.encode()]).await.unwrap();
    }
    assert_eq!(watching.presence().await, (eve.to_string(), "busy".to_owned()));
}

#[tokio::test]
async fn a_guest_who_leaves_is_offline_after_the_grace_of_the_shard_that_served() {
    let mut cluster = Cluster::new(2).await;
    let mut options = patient();
    options.timings.grace = 1;
    options.move_window = Duration::from_secs(3600);
    let (here, there) = (cluster.start(0, options.clone()).await, cluster.start(1, options).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    cluster.give_all_to(1);
    // Ada comes to the wrong place, which serves all the same.
    let guest = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await, (ada.to_string(), "online".to_owned()));
    guest.close().await;
    assert_eq!(watching.presence().await, (ada.to_string(), "offline".to_owned()));
}

#[tokio::test]
async fn a_shard_that_drains_sends_its_users_away_and_is_left_by_all() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    let polite = cluster.user("eve", 0).await;
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let mut device = cluster.connect(&here, &ada).await;
    let mut leaving = cluster.connect(&here, &polite).await;
    assert_eq!(watching.presence().await.1, "online");

    let shard = here.shard.clone();
    let draining = cluster.tracker.spawn(async move { shard.drain(Duration::from_millis(200)).await });
    for device in [&mut device, &mut leaving] {
        let reconnect = device.next().await;
        assert_eq!((&reconnect["type"], &reconnect["reason"]), (&json!("reconnect"), &json!("draining")));
    }
    let refused = Client::open(&cluster.tracker, &here.address, &format!("{ada}:x")).await.err().unwrap();
    assert!(refused.to_string().contains("503"), "{refused}");
    leaving.close().await;
    assert_eq!(device.close_code().await, 4503);
    draining.await.unwrap();
    assert_eq!(here.shard.counts(), (0, 0));
    // The next owner expects Ada, who does not flap.
    let record = cluster.recorded(&ada, |_| true).await;
    assert!(record.connected && record.status == Status::Online);
    here.crash();
    cluster.give_all_to(1);
    cluster.recorded(&ada, |record| record.epoch == cluster.epoch()).await;
    cluster.connect(&there, &ada).await.choose("busy");
    assert_eq!(watching.presence().await.1, "busy");
}

#[tokio::test]
async fn last_seen_is_kept_fresh_for_a_successor() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { record_refresh: Duration::from_millis(5), ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    let _device = cluster.connect(&here, &ada).await;
    let first = cluster.recorded(&ada, |record| record.connected).await;
    cluster.recorded(&ada, |record| record.last_seen > first.last_seen).await;
}
