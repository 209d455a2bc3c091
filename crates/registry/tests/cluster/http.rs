//! The routes, byte by byte.

use std::time::Duration;

use placement::{Epoch, Table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{RunningRegistry, World};

/// An answer: the status line and headers, and the body.
async fn request(registry: &RunningRegistry, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(registry.address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: registry\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn status(answer: &(String, String)) -> &str {
    answer.0.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn table_has_a_strong_tag_and_is_not_sent_twice() {
    let world = World::new(2).await;
    let registry = world.start_registry().await;
    let table = registry.until(|_| true).await;
    let first = request(&registry, "GET /registry/v1/table HTTP/1.1", "").await;
    let tag = format!("\"{}\"", table.epoch);
    assert_eq!(status(&first), "200");
    assert!(first.0.contains(&format!("etag: {tag}")), "{}", first.0);
    assert_eq!(serde_json::from_str::<Table>(&first.1).unwrap(), *table);

    for (known, expected) in [
        (tag.clone(), "304"),
        (format!("\"1\", W/{tag}"), "304"),
        ("*".into(), "304"),
        ("\"1\"".into(), "200"),
        (tag.replace('"', ""), "200"),
    ] {
        let head = format!("GET /registry/v1/table HTTP/1.1\r\nIf-None-Match: {known}");
        let answer = request(&registry, &head, "").await;
        assert_eq!(status(&answer), expected, "{known}");
        assert!(answer.0.contains(&format!("etag: {tag}")));
        assert_eq!(answer.1.is_empty(), expected == "304");
    }
}

#[tokio::test]
async fn watch_answers_at_once_what_is_newer() {
    let world = World::new(2).await;
    let registry = world.start_registry().await;
    let table = registry.until(|_| true).await;
    let answer = request(&registry, "GET /registry/v1/table?watch=0 HTTP/1.1", "").await;
    assert_eq!(serde_json::from_str::<Table>(&answer.1).unwrap(), *table);
}

#[tokio::test]
async fn watch_answers_304_after_the_bound() {
    let mut world = World::new(1).await;
    world.options.watch_bound = Duration::from_millis(20);
    let registry = world.start_registry().await;
    let table = registry.until(|_| true).await;
    for known in [table.epoch, Epoch::MAX] {
        let head = format!("GET /registry/v1/table?watch={known} HTTP/1.1");
        assert_eq!(status(&request(&registry, &head, "").await), "304");
    }
}

#[tokio::test]
async fn watch_answers_when_there_is_a_newer_one() {
    let mut world = World::new(2).await;
    let registry = world.start_registry().await;
    let table = registry.until_serving("chat-0 chat-1").await;
    let head = format!("GET /registry/v1/table?watch={} HTTP/1.1", table.epoch);
    let (answer, ()) = tokio::join!(request(&registry, &head, ""), world.chat[1].stop());
    let newer: Table = serde_json::from_str(&answer.1).unwrap();
    assert!(newer.epoch > table.epoch);
}

/// Else the registry would not end before the bound, which is an hour here.
#[tokio::test]
async fn watch_does_not_keep_the_registry_from_stopping() {
    let mut world = World::new(1).await;
    world.options.watch_bound = Duration::from_hours(1);
    let registry = world.start_registry().await;
    registry.until(|_| true).await;
    let mut watching = TcpStream::connect(registry.address).await.unwrap();
    let head = format!("GET /registry/v1/table?watch={} HTTP/1.1\r\nHost: registry\r\n\r\n", Epoch::MAX);
    watching.write_all(head.as_bytes()).await.unwrap();
    // One that came later has been answered, so that one has been read.
    request(&registry, "GET /registry/v1/table HTTP/1.1", "").await;
    registry.stop().await;
}

#[tokio::test]
async fn before_the_first_table_it_is_503() {
    let mut world = World::new(1).await;
    world.options.watch_bound = Duration::from_millis(20);
    world.discovery.set(vec![]);
    let registry = world.start_registry().await;
    for query in ["", "?watch=0"] {
        let head = format!("GET /registry/v1/table{query} HTTP/1.1");
        let answer = request(&registry, &head, "").await;
        assert_eq!(status(&answer), "503");
        assert!(answer.0.contains("retry-after: 1") && answer.1.contains("unavailable"));
    }
}

#[tokio::test]
async fn nonsense_is_a_4xx() {
    let world = World::new(1).await;
    let registry = world.start_registry().await;
    registry.until(|_| true).await;
    for query in ["watch=", "watch=-1", "watch=x", "watch=99999999999999999999"] {
        let head = format!("GET /registry/v1/table?{query} HTTP/1.1");
        assert_eq!(status(&request(&registry, &head, "").await), "400", "{query}");
    }
    let head = "POST /registry/v1/load HTTP/1.1";
    let report = |shard: &str, bucket: &str, weight: &str| {
        format!(r#"{{"shard":"{shard}","service":"chat","weights":{{"{bucket}":{weight}}}}}"#)
    };
    let huge = report("chat-0", "1", &"1".repeat(300_000));
    for (body, expected) in [
        (report("chat-0", "1", "2.5"), "204"),
        (report("chat-9", "1", "2.5"), "404"),
        (report("Chat 9", "1", "2.5"), "422"),
        (report("chat-0", "4096", "2.5"), "422"),
        (report("chat-0", "1", "null"), "422"),
        ("{".into(), "400"),
        (huge, "413"),
    ] {
        assert_eq!(
            status(&request(&registry, head, &body).await),
            expected,
            "{}",
            &body[..body.len().min(80)]
        );
    }
}
