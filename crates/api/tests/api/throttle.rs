//! Guessing passwords gets slow, for known names and unknown ones alike.

use std::time::Duration;

use ports::{Accounts, Clock};
use serde_json::json;

use crate::support::{PASSWORD, Reply, Server, name};

async fn log_in(server: &Server, username: &str, password: &str) -> Reply {
    let body = json!({ "username": username, "password": password });
    server.post("/api/login").json(&body).send().await
}

#[tokio::test]
async fn after_five_failures_a_name_waits_whether_it_exists_or_not() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut answers = Vec::new();
    for username in ["ada", "nobody", "no name"] {
        for _ in 0..5 {
            log_in(&server, username, "wrong-wrong-wrong-1").await.refused(401, "invalid_credentials");
        }
        // The right password does not help either.
        let reply = log_in(&server, username, PASSWORD).await.refused(429, "too_many_attempts");
        assert_eq!(reply.header("retry-after"), "1");
        answers.push(reply.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    server.clock.advance(Duration::from_secs(1));
    log_in(&server, "ada", PASSWORD).await.expect(200);
    // The failures are forgotten, in the store too.
    for _ in 0..5 {
        log_in(&server, "ada", "wrong-wrong-wrong-1").await.refused(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn failures_are_known_to_other_processes() {
    let server = Server::start().await;
    server.user("ada").await;
    for _ in 0..5 {
        log_in(&server, "ada", "wrong-wrong-wrong-1").await.refused(401, "invalid_credentials");
    }
    let noted = async || {
        let account = server.store.account(&name("ada")).await.unwrap().unwrap();
        serde_json::from_slice::<auth::LoginThrottle>(&account.throttle).unwrap_or_default()
    };
    // What was noted beside the answer arrives soon after it.
    while noted().await.attempt(server.clock.now()) == auth::Attempt::Allowed {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn guesses_at_once_do_not_all_pass() {
    let server = Server::start().await;
    server.user("ada").await;
    let guesses = (0..12).map(|_| log_in(&server, "ada", "wrong-wrong-wrong-1"));
    let replies = futures_util::future::join_all(guesses).await;
    let tried = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!((tried, replies.len()), (5, 12));
}

#[tokio::test]
async fn the_current_password_is_guessed_no_faster_with_a_token() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let change = async || {
        let body = json!({ "current": "wrong-wrong-wrong-1", "new": "another-horse-battery-9" });
        server.put("/api/profile/password").by(&ada).json(&body).send().await
    };
    for _ in 0..5 {
        change().await.refused(401, "invalid_credentials");
    }
    change().await.refused(429, "too_many_attempts");
    log_in(&server, "ada", PASSWORD).await.refused(429, "too_many_attempts");
}
