//! What one client may do to the shard, and what it is told.

use presence::PresenceOptions;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::cluster::{Cluster, patient};

#[tokio::test]
async fn what_is_no_frame_closes_the_connection() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let ada = cluster.user("ada", 0).await;
    let cases = [
        (Message::text("{"), 4400),
        (Message::text("[]"), 4400),
        (Message::binary(b"{}".to_vec()), 4400),
        (Message::text("x".repeat(protocol::MAX_FRAME_BYTES + 1)), 4413),
    ];
    for (message, code) in cases {
        let mut device = cluster.connect(&here, &ada).await;
        device.send_raw(message);
        assert_eq!(device.close_code().await, code);
    }
}

#[tokio::test]
async fn a_wrong_field_is_named_and_the_connection_stays() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let ada = cluster.user("ada", 0).await;
    let mut device = cluster.connect(&here, &ada).await;
    device.send(json!({"type": "status", "id": "1", "status": "dead"}));
    let error = device.next().await;
    assert_eq!(
        (&error["type"], &error["code"], &error["id"]),
        (&json!("error"), &json!("invalid_field"), &json!("1"))
    );
    assert!(error["detail"].as_str().unwrap().starts_with("status"));
    device.send(json!({"type": "dance"}));
    assert_eq!(device.next().await["code"], "unknown_type");
    device.hears_nothing().await;
}

#[tokio::test]
async fn a_flood_is_refused_and_then_ended() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { frames: session::Rate { per_second: 1, burst: 2 }, ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    let mut device = cluster.connect(&here, &ada).await;
    for _ in 0..2 {
        device.hears_nothing().await;
    }
    for _ in 0..1_000 {
        device.send(json!({"type": "active"}));
    }
    let error = device.next().await;
    assert_eq!(error["code"], "rate_limited");
    assert!((1..=1_000).contains(&error["retry_after_ms"].as_u64().unwrap()));
    assert_eq!(device.close_code().await, 4429);
}

#[tokio::test]
async fn the_oldest_of_too_many_devices_makes_room() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { max_sockets_per_user: 2, ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    let mut first = cluster.connect(&here, &ada).await;
    let mut second = cluster.connect(&here, &ada).await;
    let mut third = cluster.connect(&here, &ada).await;
    assert_eq!(first.close_code().await, 4409);
    second.hears_nothing().await;
    third.hears_nothing().await;
}

#[tokio::test]
async fn a_client_for_whom_too_much_waits_is_closed() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { queue_bytes: 1_000, ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    for number in 0..20 {
        let friend = cluster.user(&format!("friend-{number}-"), 0).await;
        cluster.befriend(&ada, &friend).await;
    }
    let mut device = cluster.dial(&here, &ada, cluster.log_in(&ada).await).await;
    assert_eq!(device.close_code().await, 1013);
    let overflows = "chatapp_presence_queue_overflows_total 1\n";
    assert!(here.metrics.render(telemetry::Format::Prometheus).contains(overflows));
}

#[tokio::test]
async fn a_shard_that_is_full_says_so() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { max_sockets: 1, ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    let device = cluster.connect(&here, &ada).await;
    let token = format!("{ada}:{}", cluster.log_in(&ada).await);
    let open = async || crate::client::Client::open(&cluster.tracker, &here.address, &token).await;
    assert!(open().await.err().unwrap().to_string().contains("503"));
    device.close().await;
    here.has_sockets(0).await;
    assert!(open().await.is_ok());
}
