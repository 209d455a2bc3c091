//! Load moves buckets when somebody is overloaded for long enough, and at no other time.

use std::time::Duration;

use placement::{Bucket, Table};
use protocol::Service;
use protocol::Shard;
use registry::LoadReport;

use crate::world::{World, buckets, moved};

/// A report by the owner of some buckets.
fn report(table: &Table, name: &str, weight: f64) -> LoadReport {
    let weights = buckets(table, name).into_iter().map(|bucket: Bucket| (bucket, weight)).collect();
    LoadReport { shard: Shard::new(name).unwrap(), service: Service::Chat, weights }
}

#[tokio::test]
async fn overloaded_shard_gives_buckets_away() {
    let mut world = World::new(3).await;
    world.options.load_window = Duration::from_millis(10);
    world.options.smoothing = Duration::from_millis(1);
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    for (name, weight) in [("chat-0", 30.0), ("chat-1", 10.0), ("chat-2", 10.0)] {
        registry.client().report(&report(&before, name, weight)).await.unwrap();
    }
    let after = registry.until(|table| table.epoch > before.epoch).await;
    let moved = moved(&before, &after);
    assert!(!moved.is_empty() && moved.is_subset(&buckets(&before, "chat-0")));
    // It rests: a new imbalance moves nothing.
    registry.client().report(&report(&after, "chat-1", 1_000.0)).await.unwrap();
    world.chat[0].probed(20).await;
    assert_eq!(registry.feed.epoch(), after.epoch);
}

#[tokio::test]
async fn load_of_a_few_moves_nothing() {
    let mut world = World::new(3).await;
    world.options.load_window = Duration::from_millis(10);
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    let mut report = report(&before, "chat-0", 0.0);
    report.weights.values_mut().take(4).for_each(|weight| *weight = 50.0);
    registry.client().report(&report).await.unwrap();
    world.chat[0].probed(20).await;
    assert_eq!(registry.feed.epoch(), before.epoch);
}

/// What a dead shard's buckets weighed decides where they go.
#[tokio::test]
async fn orphans_are_placed_by_their_last_load() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    let mut report = report(&before, "chat-2", 0.0);
    let heavy: Vec<_> = report.weights.keys().copied().take(2).collect();
    heavy.iter().for_each(|bucket| *report.weights.get_mut(bucket).unwrap() = 1_000.0);
    registry.client().report(&report).await.unwrap();
    world.chat[2].stop().await;
    let after = registry.until_serving("chat-0 chat-1").await;
    assert_ne!(after.chat.owner(heavy[0]), after.chat.owner(heavy[1]));
}
