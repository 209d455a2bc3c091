//! Measures for how long nobody can write when masters die or hand over, and that nothing is lost.
//!
//! `cargo run -p store-redis --example measure_failovers -- [kills] [handovers]` starts a cluster of three masters with two replicas each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

#[path = "../tests/it/load.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod load;
#[path = "../tests/it/scene.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod scene;

use std::sync::Arc;
use std::time::Duration;

use ports::{Conversations, Log, NewGroup};
use protocol::ConversationId;
use redis_lab::{Lab, Options as LabOptions};
use store_redis::{Options, RedisStore};
use xxhash_rust::xxh3::xxh3_64;

use load::{Acknowledged, Load, check};
use scene::{group_on, name, slot_of, user};

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let (kills, handovers) = (arguments.next().unwrap_or(10), arguments.next().unwrap_or(10));
    let node_timeout = Duration::from_secs(2);
    let lab = Lab::start(LabOptions { replicas_per_master: 2, node_timeout, ..LabOptions::default() });
    let lab = lab.await.unwrap();
    let options = Options { deadline: Duration::from_secs(60), ..scene::options(&lab) };
    let store = Arc::new(RedisStore::open(options).await.unwrap());
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let (mut gaps, mut total) = (Vec::new(), 0);
    for turn in 0..kills {
        let (conversation, load) = writing(&store, &lab, turn).await;
        let master = lab.master_of(slot_of(&lab, conversation).await).await.unwrap();
        lab.kill(master).unwrap();
        let (gap, acknowledged) = measured(&store, conversation, load).await;
        gaps.push(gap);
        total += acknowledged;
        lab.restart(master).await.unwrap();
        lab.wait_until_healthy().await.unwrap();
    }
    report("kill -9 of a master", gaps, total);
    let (mut gaps, mut total) = (Vec::new(), 0);
    for turn in 0..handovers {
        let (conversation, load) = writing(&store, &lab, turn).await;
        // A node votes for replicas of one master only once in twice the time-out.
        tokio::time::sleep(node_timeout).await;
        let master = lab.master_of(slot_of(&lab, conversation).await).await.unwrap();
        let replica = lab.replicas_of(master).await.unwrap()[0];
        lab.failover(replica).await.unwrap();
        let (gap, acknowledged) = measured(&store, conversation, load).await;
        gaps.push(gap);
        total += acknowledged;
        lab.wait_until_healthy().await.unwrap();
    }
    report("planned failover", gaps, total);
    let (mut gaps, mut total) = (Vec::new(), 0);
    let first = group_on(&store, &lab, lab.master_of(0).await.unwrap()).await;
    for number in 0..500 {
        let id = group_beside(&store, first).await;
        store.append(scene::message(id, &name("ada"), number)).await.unwrap();
    }
    let slot = slot_of(&lab, first).await;
    let load = Load::start(&store, &[first]);
    load.goes_on(50).await;
    let to = lab.master_of(8_000).await.unwrap();
    lab.move_slot(slot, to).await.unwrap();
    let (gap, acknowledged) = measured(&store, first, load).await;
    gaps.push(gap);
    total += acknowledged;
    report("a slot with 500 conversations that moves", gaps, total);
}

/// Two people in each of twelve conversations who write, and one of the conversations, on each master in turn.
async fn writing(store: &Arc<RedisStore>, lab: &Lab, turn: usize) -> (ConversationId, Load) {
    let mut conversations = Vec::new();
    for slot in [0, 8_000, 16_000] {
        let master = lab.master_of(slot).await.unwrap();
        for _ in 0..4 {
            conversations.push(group_on(store, lab, master).await);
        }
    }
    let load = Load::start(store, &conversations);
    load.goes_on(50).await;
    (conversations[turn % 3 * 4], load)
}

/// Goes on writing, and gives for how long nobody wrote in a conversation, and how many messages were acknowledged in all.
async fn measured(store: &RedisStore, conversation: ConversationId, load: Load) -> (Duration, usize) {
    load.goes_on(50).await;
    let acknowledged = load.stop().await;
    check(store, &acknowledged, true).await;
    (longest_gap(&acknowledged, conversation), acknowledged.len())
}

/// Gives how long a conversation was without an acknowledgement at most.
fn longest_gap(acknowledged: &[Acknowledged], conversation: ConversationId) -> Duration {
    let of_it = acknowledged.iter().filter(|done| done.conversation == conversation);
    let mut times: Vec<Duration> = of_it.map(|done| done.at).collect();
    times.sort();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

/// Gives a conversation in the same slot as another.
async fn group_beside(store: &RedisStore, ConversationId(other): ConversationId) -> ConversationId {
    let partition = |id: [u8; 16]| xxh3_64(&id) % 1024;
    loop {
        let id = scene::random();
        if partition(id) == partition(other) {
            let (id, owner, members) = (ConversationId(id), name("ada"), vec![name("ben")]);
            let group = NewGroup { id, title: None, owner, members, at: scene::NOW };
            store.create_group(group).await.unwrap();
            return id;
        }
    }
}

fn report(what: &str, mut gaps: Vec<Duration>, acknowledged: usize) {
    gaps.sort();
    let (Some(least), Some(median), Some(most)) = (gaps.first(), gaps.get(gaps.len() / 2), gaps.last())
    else {
        return;
    };
    println!("{what}, {} times: nobody wrote for {least:?} to {most:?}, median {median:?}", gaps.len());
    println!("{acknowledged} acknowledged, all there once and in order");
}
