//! Masters that die, stall, or hand over while people write.

use std::sync::Arc;
use std::time::Duration;

use redis_lab::Lab;
use store_redis::{Options, RedisStore};

use crate::load::{Load, check};
use crate::scene::{self, cluster, group_on, name, user};

/// Three conversations, one on each master, and people who write in them.
async fn writing(lab: &Lab) -> (Arc<RedisStore>, Load) {
    let deadline = Duration::from_secs(60);
    let store = RedisStore::open(Options { deadline, ..scene::options(lab) }).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let mut conversations = Vec::new();
    for node in 0..3 {
        conversations.push(group_on(&store, lab, node).await);
    }
    let store = Arc::new(store);
    let load = Load::start(&store, &conversations);
    load.goes_on(100).await;
    (store, load)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_loses_nothing() {
    let lab = cluster(2).await;
    let (store, load) = writing(&lab).await;
    lab.kill(0).unwrap();
    load.goes_on(500).await;
    lab.restart(0).await.unwrap();
    load.goes_on(500).await;
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_master_that_comes_back_loses_nothing() {
    let lab = cluster(2).await;
    let (store, load) = writing(&lab).await;
    lab.pause(0).unwrap();
    load.goes_on(500).await;
    lab.resume(0).unwrap();
    load.goes_on(500).await;
    lab.wait_until_healthy().await.unwrap();
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_failover_loses_nothing() {
    let lab = cluster(2).await;
    let (store, load) = writing(&lab).await;
    // Each of another master: one that was handed over is not again before twice the node time-out has passed.
    for replica in [3, 4] {
        lab.failover(replica).await.unwrap();
        load.goes_on(500).await;
    }
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_replica_stops_no_one() {
    let lab = cluster(2).await;
    let (store, load) = writing(&lab).await;
    lab.pause(3).unwrap();
    load.goes_on(500).await;
    lab.resume(3).unwrap();
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, true).await;
}
