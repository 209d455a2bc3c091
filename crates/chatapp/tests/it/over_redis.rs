//! All roles over a real Redis Cluster: a master and a shard die while people chat, and nothing is lost, repeated or out of order.
//!
//! The people and the checker are those of the long run, `make faults`.

#[path = "../../examples/faults/checker.rs"]
mod checker;
#[expect(dead_code, reason = "the long run uses all of it")]
#[path = "../../examples/faults/people/mod.rs"]
mod people;

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::Shard;
use redis_lab::{Lab, Options};

use crate::support::World;
use people::{People, Plan};

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn people_chat_on_while_a_master_and_a_shard_die() {
    let lab = Lab::start(Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
    let world = World::start_with(|configuration| configuration.redis_urls = lab.urls()).await;
    let pause = Duration::from_millis(100);
    let plan = Plan { talkers: 12, away: 0, pause, pairs: true, leave: false, seed: 1 };
    let people = People::begin(&[world.url("")], &plan).await.unwrap();
    people.go_on(200, PATIENCE).await.unwrap();

    let slot = lab.slot_of("a slot").await.unwrap();
    let master = lab.master_of(slot).await.unwrap();
    lab.kill(master).unwrap();
    lab.wait_for_master_other_than(master, slot).await.unwrap();
    lab.restart(master).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    people.go_on(300, PATIENCE).await.unwrap();

    let shard = Shard::new("chat-1").unwrap();
    world.cluster.kill(&shard);
    people.go_on(300, PATIENCE).await.unwrap();
    world.cluster.start_chat(&shard).await.unwrap();
    people.go_on(200, PATIENCE).await.unwrap();

    let story = people.end(PATIENCE).await.unwrap();
    let findings = checker::check(&story, &BTreeSet::new());
    assert!(findings.is_clean(), "{:#?}", findings.wrong);
    assert!(findings.acked >= 1000 && findings.acked <= findings.stored);
    world.cluster.stop().await;
}
