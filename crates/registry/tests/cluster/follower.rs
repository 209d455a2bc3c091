//! A follower sees every step in order, and outlives the registry.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::world::{World, moved, serving};

#[tokio::test]
async fn epochs_come_in_order() {
    let mut world = World::new(4).await;
    let registry = world.start_registry().await;
    let tasks = TaskTracker::new();
    let followers = [registry.follow(&tasks), registry.follow(&tasks)];
    let all = "chat-0 chat-1 chat-2 chat-3";
    for _ in 0..3 {
        registry.until_serving(all).await;
        world.chat[3].stop().await;
        registry.until_serving("chat-0 chat-1 chat-2").await;
        world.chat[3].restart().await;
    }
    let last = registry.until_serving(all).await;
    for follower in &followers {
        assert_eq!(follower.until(|table| table.epoch == last.epoch).await, last);
        let epochs = follower.epochs.lock();
        assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
    }
}

#[tokio::test]
async fn table_outlives_the_registry_and_is_replaced_after_its_return() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let (address, tasks) = (registry.address, TaskTracker::new());
    let follower = registry.follow(&tasks);
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    follower.until(|table| table.epoch == before.epoch).await;
    registry.stop().await;
    world.chat[0].stop().await;
    assert_eq!(follower.feed.current(), Some(Arc::clone(&before)));

    let registry = world.start_registry_at(address).await;
    let after = follower.until(|table| serving(table) == "chat-1 chat-2").await;
    assert!(after.epoch > before.epoch);
    assert_eq!(registry.feed.current(), Some(after));
}

#[tokio::test]
async fn restart_of_the_registry_moves_nobody_and_publishes_nothing() {
    let world = World::new(3).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    registry.stop().await;
    world.clock.set(1_764_000_060);
    let registry = world.start_registry().await;
    registry.until(|_| true).await;
    world.chat[0].probed(20).await;
    assert_eq!(registry.feed.current(), Some(before));
}

#[tokio::test]
async fn epochs_grow_even_if_the_store_was_lost() {
    let mut world = World::new(3).await;
    let registry = world.start_registry().await;
    let (address, tasks) = (registry.address, TaskTracker::new());
    let follower = registry.follow(&tasks);
    let before = registry.until_serving("chat-0 chat-1 chat-2").await;
    follower.until(|table| table.epoch == before.epoch).await;
    registry.stop().await;
    world.documents = Arc::default();
    world.clock.set(1_764_000_060);
    world.start_registry_at(address).await;
    let after = follower.until(|table| table.epoch > before.epoch).await;
    assert_eq!(after.epoch.term(), 1_764_000_060);
    assert!(moved(&before, &after).is_empty(), "the same ring gives the same table");
}
