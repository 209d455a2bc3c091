//! Measures how long news take from one process to another, and what it costs to wait for the outbox.
//!
//! `cargo run -p store-redis --example measure_waiting` starts a cluster of three masters with a replica each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

#[path = "../tests/it/scene.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod scene;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ports::{Clock, Inbox, Outbox, SystemClock, Tasks};
use protocol::Shard;
use redis_lab::Lab;
use store_redis::{Options, RedisStore};
use tokio::time::{sleep, timeout};

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let lab = scene::cluster(1).await;
    let options = scene::options(&lab);
    let reader = Arc::new(RedisStore::open(options.clone()).await.unwrap());
    let writer = RedisStore::open(Options { tasks: Tasks::default(), ..options }).await.unwrap();

    let shard = Shard::new("chat-0").unwrap();
    let mut cursor = reader.end(&shard).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let begun = SystemClock.monotonic();
        let (published, read) =
            tokio::join!(writer.publish(&shard, vec!["news".into()]), reader.read(&shard, cursor, 100));
        times.push(SystemClock.monotonic() - begun);
        published.unwrap();
        cursor = read.unwrap().cursor;
    }
    times.sort();
    println!("news to another process: p50 {:?}, p99 {:?}", times[500], times[990]);

    println!("idle: {}", used(&lab, sleep(TIME)).await);
    let waiting = join_all((0..reader.partitions()).map(|partition| reader.pending(partition, 0, 100)));
    println!(
        "waiting for all of the outbox: {}",
        used(&lab, async { drop(timeout(TIME, waiting).await) }).await
    );
}

/// Says how much of a core this process and the nodes use meanwhile.
async fn used(lab: &Lab, meanwhile: impl Future<Output = ()>) -> String {
    let before = (own_cpu(), nodes_cpu(lab).await);
    meanwhile.await;
    let seconds = TIME.as_secs_f64();
    let own = (own_cpu() - before.0) / seconds * 100.0;
    let nodes = (nodes_cpu(lab).await - before.1) / seconds * 100.0;
    format!("{own:.1} % of a core here, {nodes:.1} % in all nodes")
}

/// Gives the CPU seconds that all nodes have used.
async fn nodes_cpu(lab: &Lab) -> f64 {
    let mut sum = 0.0;
    for node in lab.nodes() {
        let information: String = lab.command(node.index(), redis::cmd("INFO").arg("cpu")).await.unwrap();
        let used = information
            .lines()
            .filter(|line| line.starts_with("used_cpu_user:") || line.starts_with("used_cpu_sys:"));
        sum += used.map(|line| line.split(':').nth(1).unwrap().trim().parse::<f64>().unwrap()).sum::<f64>();
    }
    sum
}

/// Gives the CPU seconds that this process has used: user and system, in hundredths.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
