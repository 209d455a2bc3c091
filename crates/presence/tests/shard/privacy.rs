//! Nobody learns of a presence that is not theirs to see.

use ports::Contacts;
use protocol::hint::Hint;
use protocol::presence::Status;
use serde_json::json;

use crate::cluster::{Cluster, now, patient};

#[tokio::test]
async fn a_stranger_sees_nothing_even_when_asking() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    let (stranger, admirer) = (cluster.user("eve", 1).await, cluster.user("joe", 1).await);
    cluster.befriend(&ada, &bob).await;
    // One side is not enough.
    cluster.store.put_contact(&admirer, &ada, now()).await.unwrap();
    let mut friend = cluster.connect(&there, &bob).await;
    let mut others = [cluster.connect(&there, &stranger).await, cluster.connect(&there, &admirer).await];
    for other in &mut others {
        other.send(json!({"type": "subscribe", "users": [ada.as_str(), "nobody"]}));
        assert_eq!(other.snapshot().await, Vec::<serde_json::Value>::new());
    }
    let device = cluster.connect(&here, &ada).await;
    assert_eq!(friend.presence().await.1, "online");
    device.choose("busy");
    assert_eq!(friend.presence().await.1, "busy");
    for other in &mut others {
        other.hears_nothing().await;
    }
}

#[tokio::test]
async fn an_invisible_user_looks_offline_everywhere() {
    let mut cluster = Cluster::new(2).await;
    let mut slow = patient();
    slow.timings.arrival = 3_600_000;
    let (here, there) = (cluster.start(0, slow).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    let friend_here = cluster.user("eve", 0).await;
    cluster.befriend(&ada, &bob).await;
    cluster.befriend(&ada, &friend_here).await;
    let mut watching = [
        cluster.connect(&there, &bob).await,
        cluster.dial(&here, &friend_here, cluster.log_in(&friend_here).await).await,
    ];
    watching[1].snapshot().await;
    let mut device = cluster.dial(&here, &ada, cluster.log_in(&ada).await).await;
    device.snapshot().await;
    device.send(json!({"type": "status", "status": "invisible", "status_text": "hidden"}));
    device.send(json!({"type": "active"}));
    device.hears_nothing().await;
    let record = cluster.recorded(&ada, |record| record.connected).await;
    assert_eq!((record.status, record.last_seen, record.status_text), (Status::Offline, None, None));
    device.choose("busy");
    for watching in &mut watching {
        // The first thing that they hear.
        assert_eq!(watching.presence().await.1, "busy");
    }
    device.choose("invisible");
    for watching in &mut watching {
        assert_eq!(watching.presence().await.1, "offline");
    }
    let mut late = cluster.dial(&there, &bob, cluster.log_in(&bob).await).await;
    assert_eq!(late.snapshot().await[0]["status"], "offline");
}

#[tokio::test]
async fn a_block_ends_the_sight_of_each_other_and_its_end_brings_it_back() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut bob_device = cluster.connect(&there, &bob).await;
    let mut ada_device = cluster.connect(&here, &ada).await;
    assert_eq!(bob_device.presence().await.1, "online");

    let changed = || Hint::Contacts { users: [ada.clone(), bob.clone()] };
    cluster.store.put_block(&ada, &bob, now()).await.unwrap();
    for node in [&here, &there] {
        cluster.hint(node, changed()).await;
    }
    for device in [&mut ada_device, &mut bob_device] {
        let frame = device.next().await;
        assert_eq!((&frame["status"], &frame["last_seen"]), (&json!("offline"), &json!(null)), "{frame}");
    }
    ada_device.choose("busy");
    cluster.recorded(&ada, |record| record.status == Status::Busy).await;
    bob_device.send(json!({"type": "subscribe", "users": [ada.as_str()]}));
    assert_eq!(bob_device.snapshot().await, Vec::<serde_json::Value>::new());

    cluster.store.delete_block(&ada, &bob).await.unwrap();
    for node in [&here, &there] {
        cluster.hint(node, changed()).await;
    }
    let (seen, sees) = (bob_device.snapshot().await, ada_device.snapshot().await);
    assert_eq!((&seen[0]["user"], &seen[0]["status"]), (&json!(ada.as_str()), &json!("busy")));
    assert_eq!((&sees[0]["user"], &sees[0]["status"]), (&json!(bob.as_str()), &json!("online")));
    ada_device.choose("away");
    assert_eq!(bob_device.presence().await.1, "away");
}

#[tokio::test]
async fn a_block_whose_hint_is_lost_is_noticed_all_the_same() {
    let mut cluster = Cluster::new(1).await;
    let mut options = patient();
    options.contacts_refresh = std::time::Duration::from_millis(10);
    let here = cluster.start(0, options).await;
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 0).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&here, &bob).await;
    let _device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    cluster.store.put_block(&ada, &bob, now()).await.unwrap();
    assert_eq!(watching.presence().await.1, "offline");
}
