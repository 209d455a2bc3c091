//! How much an address and a user may ask for, and how many passwords are hashed at once.

use std::time::Duration;

use api::{ApiOptions, LimitOptions, Quota};
use serde_json::json;

use crate::support::{PASSWORD, Server, ServerParts};

async fn server(limits: LimitOptions) -> Server {
    // As if behind one proxy, so that a test can come from several addresses.
    let options = ApiOptions { limits, trusted_proxies: 1, ..ApiOptions::default() };
    Server::with(ServerParts { options, ..ServerParts::default() }).await
}

const NONE: LimitOptions =
    LimitOptions { log_in: None, sign_up: None, address: None, user: None, exempt_loopback: false };

#[tokio::test]
async fn log_ins_and_sign_ups_of_an_address_are_limited() {
    let once = Some(Quota::new(1, 1));
    let server = server(LimitOptions { log_in: once, sign_up: once, ..NONE }).await;
    let post = async |path: &str, username: &str, address: &str| {
        let body = json!({ "username": username, "password": PASSWORD });
        server.post(path).header("x-forwarded-for", address).json(&body).send().await
    };
    post("/api/signup", "ada", "192.0.2.1").await.expect(201);
    let reply = post("/api/signup", "bob", "192.0.2.1").await.refused(429, "rate_limited");
    assert_eq!(reply.header("retry-after"), "60");
    post("/api/signup", "bob", "192.0.2.2").await.expect(201);

    post("/api/login", "ada", "2001:db8::1").await.expect(200);
    post("/api/login", "ada", "2001:db8::2").await.refused(429, "too_many_attempts");
    server.clock.advance(Duration::from_secs(60));
    post("/api/login", "ada", "2001:db8::2").await.expect(200);
}

#[tokio::test]
async fn requests_of_an_address_and_of_a_user_are_limited() {
    let server =
        server(LimitOptions { address: Some(Quota::new(1, 6)), user: Some(Quota::new(1, 2)), ..NONE }).await;
    let ada = server.user("ada").await;
    let get = async |address: &str| {
        server.get("/api/profile").by(&ada).header("x-forwarded-for", address).send().await
    };
    get("192.0.2.1").await.expect(200);
    get("192.0.2.2").await.expect(200);
    get("192.0.2.3").await.refused(429, "rate_limited");
    for _ in 0..5 {
        server.get("/api/jwks.json").header("x-forwarded-for", "192.0.2.1").send().await.expect(200);
    }
    let reply = server.get("/api/jwks.json").header("x-forwarded-for", "192.0.2.1").send().await;
    reply.refused(429, "rate_limited");
}

#[tokio::test]
async fn whoever_finds_the_queue_of_passwords_full_is_told_to_come_back() {
    let options = ApiOptions { hashing_cores: 1, hashing_queue: 1, limits: NONE, ..ApiOptions::default() };
    let server = Server::with(ServerParts { options, ..ServerParts::default() }).await;
    let log_ins = (0..20).map(|number| {
        let body = json!({ "username": format!("user{number}"), "password": PASSWORD });
        server.post("/api/login").json(&body).send()
    });
    let replies = futures_util::future::join_all(log_ins).await;
    let busy: Vec<_> = replies.into_iter().filter(|reply| reply.status != 401).collect();
    assert!(!busy.is_empty());
    for reply in busy {
        assert_eq!(reply.refused(503, "unavailable").header("retry-after"), "1");
    }
    server.until_metric("chatapp_api_waiting_passwords", 0.0).await;
    // A password that was not looked at is no failure.
    server.user("ada").await;
}
