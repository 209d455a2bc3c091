//! Search in one's own messages.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Server, User};

async fn search(server: &Server, user: &User, query: &str) -> (Vec<String>, Option<String>) {
    let reply = server.get(format!("/api/search?{query}")).by(user).send().await.expect(200);
    let texts = reply.items().iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect();
    (texts, reply.json()["next_cursor"].as_str().map(str::to_owned))
}

/// Follows the cursors to the end.
async fn search_all(server: &Server, user: &User, query: &str) -> (Vec<String>, usize) {
    let (mut found, mut cursor) = search(server, user, query).await;
    let mut pages = 1;
    while let Some(next) = cursor {
        let (texts, then) = search(server, user, &format!("{query}&cursor={next}")).await;
        found.extend(texts);
        (cursor, pages) = (then, pages + 1);
    }
    (found, pages)
}

#[tokio::test]
async fn only_ones_own_conversations_are_searched() {
    let server = Server::start().await;
    let [ada, bob, carol] = server.users(["ada", "bob", "carol"]).await;
    let [older, newer, other] = [
        server.group(&ada, &[&bob]).await,
        server.group(&ada, &[&bob]).await,
        server.group(&bob, &[&carol]).await,
    ];
    for (group, user, id, text) in [
        (older, &ada, "1", "tea at FIVE"),
        (older, &bob, "2", "no coffee"),
        (older, &bob, "3", "Tea, then"),
        (newer, &ada, "4", "green tea"),
        (other, &bob, "5", "tea for carol"),
    ] {
        server.clock.advance(Duration::from_secs(1));
        server.say(group, user, id, text).await;
    }
    assert_eq!(search(&server, &ada, "query=tea").await.0, ["green tea", "Tea, then", "tea at FIVE"]);
    assert_eq!(search(&server, &ada, "query=five").await.0, ["tea at FIVE"]);
    assert_eq!(search(&server, &carol, "query=TEA").await.0, ["tea for carol"]);
    let within = format!("query=tea&conversation={older}");
    assert_eq!(search(&server, &bob, &within).await.0, ["Tea, then", "tea at FIVE"]);
    let reply = server.get(format!("/api/search?{within}")).by(&carol).send().await;
    reply.refused(404, "conversation_not_found");
    // Whoever leaves finds nothing of it any more.
    server.delete(format!("/api/conversations/{older}")).by(&bob).send().await.expect(204);
    assert_eq!(search(&server, &bob, "query=tea").await.0, ["tea for carol", "green tea"]);
}

#[tokio::test]
async fn pages_go_through_all_conversations() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut expected = Vec::new();
    for group in 0..5 {
        let id = server.group(&ada, &[]).await;
        for number in 0..group {
            server.clock.advance(Duration::from_secs(1));
            server.say(id, &ada, &format!("a{number}"), &format!("find {group} {number}")).await;
            server.say(id, &ada, &format!("b{number}"), "other").await;
            expected.insert(0, format!("find {group} {number}"));
        }
    }
    for limit in [1, 2, 3, 10, 50] {
        let (found, pages) = search_all(&server, &ada, &format!("query=find&limit={limit}")).await;
        assert_eq!(found, expected, "{limit}");
        assert!(pages <= expected.len().div_ceil(limit) + 5, "{pages} pages of {limit}");
    }
}

#[tokio::test]
async fn a_search_goes_on_in_a_conversation_that_has_moved_to_the_front() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let (first, second) = (server.group(&ada, &[]).await, server.group(&ada, &[]).await);
    for (group, id) in [(first, "1"), (first, "2"), (second, "3"), (second, "4")] {
        server.clock.advance(Duration::from_secs(1));
        server.say(group, &ada, id, &format!("find {id}")).await;
    }
    let (found, cursor) = search(&server, &ada, "query=find&limit=3").await;
    assert_eq!(found, ["find 4", "find 3", "find 2"]);
    server.clock.advance(Duration::from_secs(1));
    server.say(first, &ada, "5", "find 5").await;
    let (found, cursor) =
        search(&server, &ada, &format!("query=find&limit=3&cursor={}", cursor.unwrap())).await;
    assert_eq!((found, cursor), (vec!["find 1".to_owned()], None));
}

#[tokio::test]
async fn one_request_reads_a_bounded_number_of_events() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    server.say(group, &ada, "first", "find me").await;
    for number in 0..10_050 {
        server.say(group, &ada, &format!("m{number}"), "hay").await;
    }
    let (found, cursor) = search(&server, &ada, "query=find").await;
    assert_eq!(found, [""; 0]);
    let (found, cursor) = search(&server, &ada, &format!("query=find&cursor={}", cursor.unwrap())).await;
    assert_eq!((found, cursor), (vec!["find me".to_owned()], None));
}

#[tokio::test]
async fn more_conversations_than_one_request_looks_into() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for number in 0..105 {
        let group = server.group(&ada, &[]).await;
        if number == 0 {
            server.say(group, &ada, "m", "find me").await;
        }
        server.clock.advance(Duration::from_secs(1));
    }
    let (found, pages) = search_all(&server, &ada, "query=find").await;
    assert_eq!((found, pages), (vec!["find me".to_owned()], 2));
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for (query, field) in [
        ("", "query"),
        ("query=", "query"),
        ("query=%20", "query"),
        ("query=%ff", "query"),
        (&format!("query={}", "x".repeat(129)), "query"),
        ("query=x&conversation=x", "conversation"),
        ("query=x&cursor=x", "cursor"),
        ("query=x&limit=0", "limit"),
    ] {
        let reply = server.get(format!("/api/search?{query}")).by(&ada).send().await;
        reply.refused(422, "invalid_field").blames(field);
    }
    let none = server.get("/api/search?query=x").by(&ada).send().await.expect(200);
    assert_eq!((none.items(), none.json().get("next_cursor")), (Vec::<Value>::new(), None));
}
