//! Whatever is sent, the answer is a 4xx that names what is wrong.

use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let deep = format!(r#"{{"display_name":"a","x":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for (body, status, code) in [
        (b"".to_vec(), 400, "malformed"),
        (b"{".to_vec(), 400, "malformed"),
        (b"[]".to_vec(), 400, "malformed"),
        (b"null".to_vec(), 400, "malformed"),
        (b"{\"bio\":\"\xff\"}".to_vec(), 400, "malformed"),
        (br#"{"bio":"\ud800"}"#.to_vec(), 400, "malformed"),
        (deep.into_bytes(), 400, "malformed"),
        (br#"{"bio":"a","bio":"b"}"#.to_vec(), 422, "invalid_field"),
        (format!(r#"{{"bio":"{}"}}"#, "x".repeat(70_000)).into_bytes(), 413, "too_large"),
        (vec![b'x'; 900_000], 413, "too_large"),
    ] {
        let reply = server.patch("/api/profile").by(&ada).raw(body).send().await.refused(status, code);
        assert!(reply.json()["field"].is_string(), "{}", reply.json());
    }
    let reply = server.patch("/api/profile").by(&ada).header("content-type", "text/plain").send().await;
    reply.refused(415, "unsupported_media_type");
    server.patch("/api/profile").by(&ada).send().await.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn wrong_types_in_every_body() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    let conversation = format!("/api/conversations/{group}");
    let member = format!("{conversation}/members/ada");
    for (request, body, field) in [
        (server.post("/api/signup"), json!({ "username": "ada", "password": 7 }), "password"),
        (server.post("/api/login"), json!({ "username": [], "password": "x" }), "username"),
        (server.post("/api/login"), json!({ "username": "ada", "password": "x", "device": 7 }), "device"),
        (server.post("/api/token/refresh"), json!({}), "refresh_token"),
        (server.patch("/api/profile"), json!({ "display_name": {} }), "display_name"),
        (server.put("/api/profile/password"), json!({ "current": "x" }), "new"),
        (server.post("/api/conversations"), json!({ "members": [null] }), "members[0]"),
        (server.patch(conversation), json!({ "title": 7 }), "title"),
        (server.put(member), json!({ "role": "king" }), "role"),
        (server.put("/api/devices/d"), json!({ "channel": 7 }), "channel"),
        (server.post("/notify"), json!({ "to": "ada" }), "title"),
    ] {
        request.by(&ada).json(&body).send().await.refused(422, "invalid_field").blames(field);
    }
}

#[tokio::test]
async fn wrong_limits_and_cursors_in_every_list() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for path in ["/api/users", "/api/contacts", "/api/blocks", "/api/conversations", "/api/devices"] {
        for (query, field) in [
            ("limit=-1", "limit"),
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=1.5", "limit"),
            ("limit=99999999999999999999999", "limit"),
            ("cursor=%00", "cursor"),
            ("cursor=eyJhIjoxfQ", "cursor"),
        ] {
            let reply = server.get(format!("{path}?{query}")).by(&ada).send().await;
            reply.refused(422, "invalid_field").blames(field);
        }
    }
}

#[tokio::test]
async fn what_does_not_exist() {
    let server = Server::start().await;
    server.get("/api/nothing").send().await.refused(404, "not_found");
    server.get("/../etc/passwd").send().await.refused(404, "not_found");
    let reply = server.delete("/api/signup").send().await.refused(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
}
