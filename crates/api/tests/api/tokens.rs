//! Refresh tokens, log-out and tickets.

use std::time::Duration;

use auth::Verifier;
use protocol::hint::Hint;
use serde_json::json;

use crate::support::{Reply, Server, User};

async fn refresh(server: &Server, token: &str) -> Reply {
    server.post("/api/token/refresh").json(&json!({ "refresh_token": token })).send().await
}

#[tokio::test]
async fn a_login_is_renewed_again_and_again() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut token = ada.refresh.clone();
    for _ in 0..5 {
        server.clock.advance(Duration::from_secs(20 * 24 * 3600));
        server.get("/api/profile").by(&ada).send().await.refused(401, "unauthenticated");
        let reply = refresh(&server, &token).await.expect(200);
        assert_eq!(reply.json()["user"]["username"], "ada");
        server.get("/api/profile").token(&reply.text("token")).send().await.expect(200);
        token = reply.text("refresh_token");
    }
    server.clock.advance(Duration::from_secs(30 * 24 * 3600));
    refresh(&server, &token).await.refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_refresh_does_not_end_the_token_before() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    refresh(&server, &ada.refresh).await.expect(200);
    server.get("/api/profile").by(&ada).send().await.expect(200);
}

#[tokio::test]
async fn using_a_refresh_token_twice_ends_its_login_and_no_other() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let other = server.log_in("ada").await;
    let next = refresh(&server, &ada.refresh).await.expect(200);
    server.hints.take();

    refresh(&server, &ada.refresh).await.refused(401, "invalid_refresh_token");
    refresh(&server, &next.text("refresh_token")).await.refused(401, "invalid_refresh_token");
    server.get("/api/profile").token(&next.text("token")).send().await.refused(401, "unauthenticated");
    server.get("/api/profile").by(&other).send().await.expect(200);
    assert!(server.hints.take_hints().iter().all(|hint| matches!(hint, Hint::LoginEnded { .. })));
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins_and_the_login_ends() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let (one, other) = tokio::join!(refresh(&server, &ada.refresh), refresh(&server, &ada.refresh));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    let winner = if one.status == 200 { one } else { other };
    refresh(&server, &winner.text("refresh_token")).await.refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn what_is_no_refresh_token_ends_nothing() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut forged = ada.refresh.clone();
    forged.replace_range(60..64, "AAAA");
    for token in ["", "x", &ada.token, &forged] {
        refresh(&server, token).await.refused(401, "invalid_refresh_token");
    }
    refresh(&server, &ada.refresh).await.expect(200);
}

#[tokio::test]
async fn a_logged_out_login_is_refused_at_once_and_the_shards_are_told() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let other = server.log_in("ada").await;
    server.hints.take();
    server.post("/api/logout").by(&ada).send().await.expect(204);

    server.get("/api/profile").by(&ada).send().await.refused(401, "unauthenticated");
    server.post("/api/logout").by(&ada).send().await.refused(401, "unauthenticated");
    refresh(&server, &ada.refresh).await.refused(401, "invalid_refresh_token");
    server.get("/api/profile").by(&other).send().await.expect(200);
    let told: Vec<String> = server.hints.take().into_iter().map(|(shard, _)| shard.to_string()).collect();
    assert_eq!(told, ["chat-0", "chat-1", "presence-0"]);
}

#[tokio::test]
async fn tokens_of_others_are_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let foreign = Server::start().await.user("ada").await;
    let service = server.keys.service_token("builds", "notify", 60_000).unwrap().token;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";
    for token in ["x", unsigned, &foreign.token, &service, &ada.refresh] {
        server.get("/api/profile").token(token).send().await.refused(401, "unauthenticated");
    }
    let basic = server.get("/api/profile").header("authorization", "Basic YTpi").send().await;
    assert_eq!(basic.refused(401, "unauthenticated").header("www-authenticate"), "Bearer");
    let query = server.get(format!("/api/profile?token={}", ada.token)).send().await;
    query.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_ticket_is_the_callers_and_holds_for_half_a_minute() {
    let server = Server::start().await;
    let ada: User = server.user("ada").await;
    let reply = server.post("/api/ticket").by(&ada).send().await.expect(201);
    assert_eq!((reply.json()["expires_in"].as_u64(), reply.header("cache-control")), (Some(30), "no-store"));
    let verifier = Verifier::new(&crate::support::realm(), &server.keys.jwks()).unwrap();
    let now = ports::Clock::now(server.clock.as_ref());
    let ticket = verifier.ticket(&reply.text("ticket"), now).unwrap();
    assert_eq!(ticket.user, ada.name);
    assert!(verifier.ticket(&reply.text("ticket"), now.plus(36_000)).is_err());
    server.get("/api/profile").token(&reply.text("ticket")).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn servers_say_where_the_user_belongs() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let servers = server.get("/api/servers").by(&ada).send().await.expect(200).json();
    let owner = server.table.chat.owner(placement::Bucket::of("ada"));
    assert_eq!(servers["chat"], json!({ "shard": owner.shard, "url": format!("{}/chat", owner.url) }));
    assert_eq!(servers["presence"]["shard"], "presence-0");
    assert_eq!(servers["epoch"], json!(server.table.epoch));
}
