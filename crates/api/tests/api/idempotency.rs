//! `Idempotency-Key`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Reply, Server, User};

async fn make(server: &Server, user: &User, key: &str, body: &Value) -> Reply {
    server.post("/api/conversations").by(user).header("idempotency-key", key).json(body).send().await
}

async fn count(server: &Server, user: &User) -> usize {
    server.get("/api/conversations").by(user).send().await.expect(200).items().len()
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once_for_a_day() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let body = json!({ "title": "once" });
    let first = make(&server, &ada, "k1", &body).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    // Another login of the same user is the same user.
    let again = make(&server, &server.log_in("ada").await, "k1", &body).await.expect(201);
    assert_eq!(
        (again.header("idempotency-replayed"), again.header("location")),
        ("true", first.header("location"))
    );
    assert_eq!((&again.body, again.header("content-type")), (&first.body, "application/json"));
    make(&server, &ada, "k1", &json!({ "title": "other" })).await.refused(409, "id_conflict");
    assert_eq!(count(&server, &ada).await, 1);
    make(&server, &ada, "k2", &body).await.expect(201);
    server.clock.advance(Duration::from_secs(24 * 3600));
    let ada = server.log_in("ada").await;
    make(&server, &ada, "k1", &body).await.expect(201);
    assert_eq!(count(&server, &ada).await, 3);
}

#[tokio::test]
async fn a_key_is_its_users_own() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let body = json!({ "title": "mine" });
    let one = make(&server, &ada, "k", &body).await.expect(201).text("id");
    let other = make(&server, &bob, "k", &body).await.expect(201).text("id");
    assert_ne!(one, other);
    server.post("/api/logout").by(&ada).send().await.expect(204);
    make(&server, &ada, "k", &body).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn repetitions_at_once_wait_for_the_first() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let body = json!({ "title": "once" });
    let replies = futures_util::future::join_all((0..8).map(|_| make(&server, &ada, "k", &body))).await;
    let ids: std::collections::BTreeSet<String> =
        replies.into_iter().map(|reply| reply.expect(201).text("id")).collect();
    assert_eq!((ids.len(), count(&server, &ada).await), (1, 1));
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let body = json!({ "members": ["bob"] });
    make(&server, &ada, "k", &body).await.refused(404, "user_not_found");
    server.user("bob").await;
    make(&server, &ada, "k", &body).await.expect(201);
}

#[tokio::test]
async fn without_a_user_the_key_is_the_addresss() {
    let server = Server::start().await;
    let sign_up = async |username: &str| {
        let body = json!({ "username": username, "password": PASSWORD });
        server.post("/api/signup").header("idempotency-key", "k").json(&body).send().await
    };
    sign_up("ada").await.expect(201);
    assert_eq!(sign_up("ada").await.expect(201).header("idempotency-replayed"), "true");
    sign_up("bob").await.refused(409, "id_conflict");
}

#[tokio::test]
async fn answers_with_tokens_are_not_kept() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let log_in = async || {
        let body = json!({ "username": "ada", "password": PASSWORD });
        server
            .post("/api/login")
            .header("idempotency-key", "k")
            .json(&body)
            .send()
            .await
            .expect(200)
            .text("token")
    };
    assert_ne!(log_in().await, log_in().await);
    let ticket = async || {
        let request = server.post("/api/ticket").by(&ada).header("idempotency-key", "k");
        request.send().await.expect(201).text("ticket")
    };
    assert_ne!(ticket().await, ticket().await);
}

#[tokio::test]
async fn bad_keys_and_bodies_are_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for key in ["", "a b", &"x".repeat(256)] {
        make(&server, &ada, key, &json!({})).await.refused(422, "invalid_field").blames("Idempotency-Key");
    }
    let request = || server.post("/api/conversations").by(&ada).header("idempotency-key", "k");
    request().raw("x".repeat(70_000)).send().await.refused(413, "too_large").blames("body");
    request().raw("{").send().await.refused(400, "malformed");
    request().raw(vec![b'{', 0xff]).send().await.refused(400, "malformed");
}
