//! What one user is reaches contacts on another shard, and comes back to them after a loss.

use std::sync::atomic::Ordering;
use std::time::Duration;

use presence::PresenceOptions;
use serde_json::json;

use crate::cluster::{Cluster, patient};

#[tokio::test]
async fn a_contact_on_another_shard_sees_every_change() {
    let mut cluster = Cluster::new(2).await;
    let mut options = patient();
    options.timings.grace = 1;
    let (here, there) = (cluster.start(0, options.clone()).await, cluster.start(1, options).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;

    let mut watching = cluster.dial(&there, &bob, cluster.log_in(&bob).await).await;
    assert_eq!(
        watching.snapshot().await,
        [json!({"user": ada.as_str(), "status": "offline", "last_seen": null})]
    );
    cluster.recorded(&bob, |record| record.connected).await;
    let mut device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await, (ada.to_string(), "online".to_owned()));
    device.send(json!({"type": "status", "status": "busy", "status_text": "lunch"}));
    let busy = watching.next().await;
    assert_eq!((&busy["status"], &busy["status_text"]), (&json!("busy"), &json!("lunch")));
    device.choose("away");
    assert_eq!(watching.presence().await.1, "away");
    device.hears_nothing().await;
    device.close().await;
    let gone = watching.next().await;
    assert_eq!((&gone["status"], gone.get("status_text")), (&json!("offline"), None));
    assert!(gone["last_seen"].is_string());
}

#[tokio::test]
async fn whoever_comes_later_sees_how_contacts_everywhere_are() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob, eve) =
        (cluster.user("ada", 0).await, cluster.user("bob", 1).await, cluster.user("eve", 1).await);
    cluster.befriend(&ada, &bob).await;
    cluster.befriend(&bob, &eve).await;
    let (ada_device, eve_device) = (cluster.connect(&here, &ada).await, cluster.connect(&there, &eve).await);
    ada_device.choose("busy");
    eve_device.choose("away");
    cluster.recorded(&ada, |record| record.status == protocol::presence::Status::Busy).await;
    cluster.recorded(&eve, |record| record.status == protocol::presence::Status::Away).await;

    let mut bob_device = cluster.dial(&there, &bob, cluster.log_in(&bob).await).await;
    let statuses: Vec<_> = bob_device.snapshot().await.iter().map(|user| user["status"].clone()).collect();
    assert_eq!(statuses, ["busy", "away"]);
}

#[tokio::test]
async fn inactivity_shows_as_away_and_activity_ends_it() {
    let mut cluster = Cluster::new(2).await;
    let mut options = patient();
    options.timings.inactivity = 50;
    let (here, there) = (cluster.start(0, options).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    assert_eq!(watching.presence().await.1, "away");
    device.send(json!({"type": "active"}));
    assert_eq!(watching.presence().await.1, "online");
}

#[tokio::test]
async fn a_reconnect_within_the_grace_does_not_show() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    device.close().await;
    here.has_sockets(0).await;
    let device = cluster.connect(&here, &ada).await;
    device.vanish();
    here.has_sockets(0).await;
    let device = cluster.connect(&here, &ada).await;
    device.choose("busy");
    assert_eq!(watching.presence().await.1, "busy");
}

#[tokio::test]
async fn a_lost_hint_costs_latency_and_nothing_else() {
    let mut cluster = Cluster::new(2).await;
    let quick = PresenceOptions {
        sweep: Duration::from_millis(10),
        record_lag: Duration::from_millis(50),
        ..patient()
    };
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, quick).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    cluster.inbox.losing.store(true, Ordering::Relaxed);
    let device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    device.choose("busy");
    assert_eq!(watching.presence().await.1, "busy");
}

#[tokio::test]
async fn the_other_devices_of_a_user_learn_what_one_chose() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let ada = cluster.user("ada", 0).await;
    let mut phone = cluster.connect(&here, &ada).await;
    let mut laptop = cluster.connect(&here, &ada).await;
    phone.choose("busy");
    assert_eq!(laptop.presence().await, (ada.to_string(), "busy".to_owned()));
    phone.hears_nothing().await;
}

#[tokio::test]
async fn whoever_is_not_followed_is_not_told_of() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let (ada, bob, eve) =
        (cluster.user("ada", 0).await, cluster.user("bob", 0).await, cluster.user("eve", 0).await);
    cluster.befriend(&ada, &bob).await;
    cluster.befriend(&eve, &bob).await;
    let (ada_device, eve_device) = (cluster.connect(&here, &ada).await, cluster.connect(&here, &eve).await);
    let mut watching = cluster.connect(&here, &bob).await;
    watching.send(json!({"type": "unsubscribe", "users": [ada.as_str()]}));
    watching.hears_nothing().await;
    ada_device.choose("busy");
    cluster.recorded(&ada, |record| record.status == protocol::presence::Status::Busy).await;
    eve_device.choose("busy");
    assert_eq!(watching.presence().await, (eve.to_string(), "busy".to_owned()));
    watching.send(json!({"type": "subscribe", "users": [ada.as_str()]}));
    let snapshot = watching.snapshot().await;
    assert_eq!((&snapshot[0]["user"], &snapshot[0]["status"]), (&json!(ada.as_str()), &json!("busy")));
    ada_device.choose("away");
    assert_eq!(watching.presence().await, (ada.to_string(), "away".to_owned()));
}
