//! Devices.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_device_is_registered_with_what_its_channel_needs() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let body = json!({ "channel": "test", "token": "abc", "extra": { "a": 1 } });
    server.put("/api/devices/phone").by(&ada).json(&body).send().await.expect(204);
    let devices = server.get("/api/devices").by(&ada).send().await.expect(200).items();
    let registered_at = devices[0]["registered_at"].clone();
    let expected = json!([{ "id": "phone", "channel": "test", "token": "abc", "extra": { "a": 1 }, "registered_at": registered_at }]);
    assert_eq!(json!(devices), expected);
    assert!(server.get("/api/devices").by(&bob).send().await.expect(200).items().is_empty());

    // What was read can be written back.
    server.put("/api/devices/phone").by(&ada).json(&devices[0]).send().await.expect(204);
    assert_eq!(json!(server.get("/api/devices").by(&ada).send().await.items()), expected);
    server.delete("/api/devices/phone").by(&bob).send().await.expect(204);
    assert_eq!(server.get("/api/devices").by(&ada).send().await.items().len(), 1);
    server.delete("/api/devices/phone").by(&ada).send().await.expect(204);
    server.delete("/api/devices/phone").by(&ada).send().await.expect(204);
    assert!(server.get("/api/devices").by(&ada).send().await.items().is_empty());
}

#[tokio::test]
async fn what_a_channel_cannot_use_is_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let put =
        async |id: &str, body| server.put(format!("/api/devices/{id}")).by(&ada).json(&body).send().await;
    put("phone", json!({ "channel": "pigeon" })).await.refused(422, "unsupported_channel").blames("channel");
    put("phone", json!({ "channel": "test" })).await.refused(422, "invalid_field").blames("token");
    put("phone", json!({ "token": "abc" })).await.refused(422, "invalid_field").blames("channel");
    put("phone", json!({ "channel": "test", "token": "x".repeat(5000) })).await.refused(422, "invalid_field");
    put(&"x".repeat(65), json!({ "channel": "test", "token": "abc" }))
        .await
        .refused(422, "invalid_field")
        .blames("id");
}

#[tokio::test]
async fn devices_come_in_pages_and_there_are_at_most_fifty() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let put = async |number: usize| {
        let body = json!({ "channel": "test", "token": "abc" });
        server.put(format!("/api/devices/d{number:02}")).by(&ada).json(&body).send().await
    };
    for number in 0..50 {
        put(number).await.expect(204);
    }
    put(50).await.refused(422, "limit_reached");
    put(7).await.expect(204);
    let first = server.get("/api/devices?limit=30").by(&ada).send().await.expect(200);
    let rest = server
        .get(format!("/api/devices?limit=30&cursor={}", first.text("next_cursor")))
        .by(&ada)
        .send()
        .await;
    assert_eq!((first.items().len(), rest.items().len(), &rest.items()[0]["id"]), (30, 20, &json!("d30")));
}
