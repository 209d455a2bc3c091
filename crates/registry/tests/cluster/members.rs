//! Shards come, go, and say how they are.

use http::StatusCode;
use placement::BUCKETS;
use protocol::Service;

use crate::shard::TestShard;
use crate::world::{World, buckets, moved, serving};

#[tokio::test]
async fn shard_that_stops_answering_loses_exactly_its_buckets() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.chat[1].stop().await;
    let after = registry.until_serving("chat-0 chat-2").await;
    assert!(after.epoch > before.epoch);
    assert_eq!(moved(&before, &after), buckets(&before, "chat-1"));
    assert_eq!(after.presence, before.presence);
}

#[tokio::test]
async fn shard_that_comes_back_receives_what_it_had() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.chat[1].stop().await;
    registry.until_serving("chat-0 chat-2").await;
    world.chat[1].restart().await;
    let after = registry.until_serving("chat-0 chat-1 chat-2").await;
    assert_eq!(after.chat, before.chat);
}

#[tokio::test]
async fn shard_that_joins_gets_its_share_and_nobody_else_anything() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.chat.push(TestShard::start("chat-3", Service::Chat).await);
    world.list_all();
    let after = registry.until_serving("chat-0 chat-1 chat-2 chat-3").await;
    let share = buckets(&after, "chat-3");
    assert_eq!(moved(&before, &after), share);
    assert!((BUCKETS * 24 / 100..=BUCKETS * 27 / 100).contains(&share.len()), "{}", share.len());
}

#[tokio::test]
async fn shard_that_is_not_ready_yet_receives_nothing() {
    let mut world = World::new(2).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1").await;
    let joining = TestShard::start("chat-2", Service::Chat).await;
    joining.answer(StatusCode::SERVICE_UNAVAILABLE);
    world.chat.push(joining);
    world.list_all();
    world.chat[2].probed(5).await;
    assert_eq!(registry.feed.epoch(), before.epoch);
    world.chat[2].answer(StatusCode::OK);
    registry.until_serving("chat-0 chat-1 chat-2").await;
}

#[tokio::test]
async fn shard_that_drains_owns_nothing_and_stays_listed() {
    let world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.chat[0].answer(StatusCode::SERVICE_UNAVAILABLE);
    let after = registry.until_serving("chat-1 chat-2").await;
    assert_eq!(moved(&before, &after), buckets(&before, "chat-0"));
    assert!(after.chat.member(&world.chat[0].found.shard).unwrap().draining);
}

#[tokio::test]
async fn restart_under_another_url_moves_nobody() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.chat[2].found.url = "ws://elsewhere.test".into();
    world.list_all();
    let url = |table: &placement::Table| table.chat.members()[2].url.clone();
    let after = registry.until(|table| url(table) == "ws://elsewhere.test").await;
    assert!(moved(&before, &after).is_empty());
}

#[tokio::test]
async fn nothing_is_published_while_nothing_changes() {
    let world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.list_all();
    world.chat[0].probed(20).await;
    assert_eq!(registry.feed.epoch(), before.epoch);
}

#[tokio::test]
async fn loss_of_most_is_believed_only_when_they_no_longer_answer() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    world.list(|found| found.shard.as_str() == "chat-0");
    // The second of these is after the list was read, and after the debounce.
    world.chat[2].probed(20).await;
    assert_eq!(registry.feed.epoch(), before.epoch);
    world.chat[1].stop().await;
    let after = registry.until_serving("chat-0 chat-2").await;
    assert_eq!(moved(&before, &after), buckets(&before, "chat-1"));
    world.chat[2].stop().await;
    registry.until_serving("chat-0").await;
}

#[tokio::test]
async fn with_nobody_left_the_last_table_stays() {
    let mut world = World::new(1).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0").await;
    world.chat[0].stop().await;
    world.presence.probed(20).await;
    assert_eq!(registry.feed.current(), Some(before));
    assert_eq!(serving(&registry.feed.current().unwrap()), "chat-0");
}
