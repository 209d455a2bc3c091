//! Contacts see who is there, and nobody else does.

use serde_json::{Value, json};

use crate::support::World;

fn is(user: &str, status: &str) -> impl Fn(&Value) -> bool {
    let (user, status) = (user.to_owned(), status.to_owned());
    move |frame| frame["type"] == "presence" && frame["user"] == *user && frame["status"] == *status
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_see_each_other_come_and_go() {
    let world = World::start().await;
    let (ada, bob, mallory) =
        (world.person("ada").await, world.person("bob").await, world.person("mallory").await);
    ada.befriend(&bob).await;
    let a = world.presence(&ada).await;
    let snapshot = a.wait_for("snapshot").await;
    assert_eq!(
        (&snapshot["users"][0]["user"], &snapshot["users"][0]["status"]),
        (&json!(bob.name), &json!("offline"))
    );
    let m = world.presence(&mallory).await;
    m.send(&json!({ "type": "subscribe", "users": [bob.name] }));
    let b = world.presence(&bob).await;
    a.wait(is(&bob.name, "online")).await;
    b.send(&json!({ "type": "status", "status": "away", "status_text": "lunch" }));
    a.wait(is(&bob.name, "away")).await;
    b.send(&json!({ "type": "status", "status": "invisible" }));
    a.wait(is(&bob.name, "offline")).await;
    b.send(&json!({ "type": "status", "status": "online" }));
    a.wait_many(2, is(&bob.name, "online")).await;
    b.close().await;
    a.wait_many(2, is(&bob.name, "offline")).await;
    m.settle().await;
    let told =
        m.frames().into_iter().any(|frame| frame.to_string().contains(&bob.name) && frame["type"] != "error");
    assert!(!told, "{:?}", m.frames());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_a_contact_is_seen_and_who_blocks_is_not() {
    let world = World::start().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (a, b) = (world.presence(&ada).await, world.presence(&bob).await);
    a.wait_for("snapshot").await;
    ada.befriend(&bob).await;
    a.wait(|frame| frame.to_string().contains(&bob.name) && frame.to_string().contains("online")).await;
    b.wait(|frame| frame.to_string().contains(&ada.name) && frame.to_string().contains("online")).await;
    assert_eq!(bob.call("PUT", &format!("/api/blocks/{}", ada.name), None).await.0, 204);
    a.wait(is(&bob.name, "offline")).await;
    b.send(&json!({ "type": "status", "status": "busy" }));
    b.settle().await;
    a.settle().await;
    assert!(!a.frames().iter().any(is(&bob.name, "busy")));
}
