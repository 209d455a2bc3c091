//! Several registries and one store: one table, whose epochs grow.

use ports::Documents;
use tokio::sync::watch;

use crate::world::{World, buckets, moved, serving};

#[tokio::test]
async fn one_that_does_not_lead_shows_what_the_leader_wrote_and_takes_over() {
    let mut world = World::new(3).await;
    let leader = world.start_registry().await;
    let before = leader.until_serving("chat-0 chat-1 chat-2").await;
    let lead = watch::Sender::new(false);
    world.leading = Some(lead.subscribe());
    let second = world.start_registry().await;
    assert_eq!(second.until(|_| true).await, before);
    leader.stop().await;
    world.chat[0].stop().await;
    world.chat[1].probed(10).await;
    assert_eq!(second.feed.epoch(), before.epoch, "it does not lead yet");
    lead.send_replace(true);
    let after = second.until_serving("chat-1 chat-2").await;
    assert_eq!(moved(&before, &after), buckets(&before, "chat-0"));
}

#[tokio::test]
async fn two_leaders_write_one_history() {
    let mut world = World::new(4).await;
    let registries = [world.start_registry().await, world.start_registry().await];
    let mut tables = Vec::new();
    for _ in 0..3 {
        for names in ["chat-0 chat-1 chat-2 chat-3", "chat-0 chat-1 chat-2"] {
            for registry in &registries {
                tables.push(registry.until_serving(names).await);
            }
            match names.len() > 20 {
                true => world.chat[3].stop().await,
                false => world.chat[3].restart().await,
            }
        }
    }
    for one in &tables {
        for other in &tables {
            assert!(one.epoch != other.epoch || one == other, "two tables under {}", one.epoch);
        }
    }
}

#[tokio::test]
async fn clock_that_went_back_does_not_turn_epochs_back() {
    let mut world = World::new(2).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1").await;
    registry.stop().await;
    world.clock.set(1_000_000_000);
    world.chat[1].stop().await;
    let registry = world.start_registry().await;
    let after = registry.until_serving("chat-0").await;
    assert_eq!(Some(after.epoch), before.epoch.next());
}

#[tokio::test]
async fn while_the_store_is_away_the_table_stays_and_then_it_is_made_up_for() {
    let mut world = World::new(2).await;
    let registry = world.start_registry().await;
    let before = registry.until_serving("chat-0 chat-1").await;
    world.documents.set_away(true);
    world.chat[1].stop().await;
    world.chat[0].probed(10).await;
    assert_eq!(registry.feed.current(), Some(before));
    world.documents.set_away(false);
    registry.until_serving("chat-0").await;
}

#[tokio::test]
async fn unreadable_table_in_the_store_is_written_over() {
    let world = World::new(1).await;
    world.documents.put_document("placement-table", 0, b"nonsense".into()).await.unwrap();
    let registry = world.start_registry().await;
    assert_eq!(serving(&*registry.until(|_| true).await), "chat-0");
    assert_eq!(world.documents.document("placement-table").await.unwrap().unwrap().version, 2);
}
