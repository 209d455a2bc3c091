//! Notes by `POST /notify`.

use serde_json::{Value, json};

use crate::support::{Reply, Server};

async fn notify(server: &Server, token: &str, body: &Value) -> Reply {
    server.post("/notify").token(token).json(body).send().await
}

fn service_token(server: &Server, scope: &str) -> String {
    server.keys.service_token("builds", scope, 60_000).unwrap().token
}

#[tokio::test]
async fn a_service_notifies_anybody() {
    let server = Server::start().await;
    server.user("ada").await;
    let token = service_token(&server, "other notify");
    let body = json!({
        "to": "ADA", "title": "build 7 failed", "body": "2 tests", "data": { "build": 7 },
        "collapse_key": "build", "ttl_seconds": 60,
    });
    let id = notify(&server, &token, &body).await.expect(202).text("id");
    let [(to, note)] = &server.notes.take()[..] else { panic!("another number of notes") };
    assert_eq!((to.as_str(), &note.id, note.title.as_str()), ("ada", &id, "build 7 failed"));
    assert_eq!((note.body.as_deref(), &note.data), (Some("2 tests"), &Some(json!({ "build": 7 }))));
    assert_eq!((note.collapse_key.as_deref(), note.ttl_seconds), (Some("build"), 60));

    notify(&server, &token, &json!({ "to": "nobody", "title": "x" }))
        .await
        .refused(404, "user_not_found")
        .blames("to");
    let other = service_token(&server, "notify-not");
    notify(&server, &other, &json!({ "to": "ada", "title": "x" })).await.refused(403, "not_allowed");
    server.post("/notify").json(&body).send().await.refused(401, "unauthenticated");
    assert!(server.notes.take().is_empty());
}

#[tokio::test]
async fn a_user_notifies_mutual_contacts_and_themself() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let to_bob = json!({ "to": "bob", "title": "come" });
    notify(&server, &ada.token, &to_bob).await.refused(403, "not_allowed");
    server.put("/api/contacts/bob").by(&ada).send().await.expect(204);
    notify(&server, &ada.token, &to_bob).await.refused(403, "not_allowed");
    server.put("/api/contacts/ada").by(&bob).send().await.expect(204);
    notify(&server, &ada.token, &to_bob).await.expect(202);
    server.put("/api/blocks/ada").by(&bob).send().await.expect(204);
    notify(&server, &ada.token, &to_bob).await.refused(403, "not_allowed");
    notify(&server, &ada.token, &json!({ "to": "ada", "title": "try" })).await.expect(202);
    assert_eq!(server.notes.take().len(), 2);
}

#[tokio::test]
async fn a_note_is_checked() {
    let server = Server::start().await;
    server.user("ada").await;
    let token = service_token(&server, "notify");
    for (field, value) in [
        ("to", json!("x")),
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("body", json!("x".repeat(2001))),
        ("data", json!({ "x": "x".repeat(3100) })),
        ("collapse_key", json!("x".repeat(65))),
        ("ttl_seconds", json!(-1)),
        ("ttl_seconds", json!(28 * 24 * 3600 + 1)),
    ] {
        let mut body = json!({ "to": "ada", "title": "x" });
        body[field] = value;
        notify(&server, &token, &body).await.refused(422, "invalid_field").blames(field);
    }
}
