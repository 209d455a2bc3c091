//! Measures appends to a cluster: how many, how long each takes until it is acknowledged, and what they cost.
//!
//! `cargo run --release -p store-redis --example measure_appends -- redis://127.0.0.1:7000 [senders] [seconds] [acks]`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ports::{
    Account, Accounts, Append, Clock, Conversations, Entropy, Log, NewGroup, Operation, SystemClock,
    SystemEntropy,
};
use protocol::account::User;
use protocol::{ClientId, ConversationId, EventBody, EventKind, Timestamp, Username};
use store_redis::{Acks, Options, RedisStore};

/// What a sender measured.
#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    failed: usize,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "redis://127.0.0.1:7000".to_owned());
    let senders: usize = arguments.next().map_or(64, |senders| senders.parse().unwrap());
    let seconds: u64 = arguments.next().map_or(5, |seconds| seconds.parse().unwrap());
    let acks = Acks::try_from(arguments.next().map_or(1, |acks| acks.parse().unwrap())).unwrap();
    let entropy: &dyn Entropy = &SystemEntropy;
    let prefix = format!("measure{:08x}:", u32::from_be_bytes(entropy.bytes()));
    let options = Options { urls: vec![url.clone()], prefix, acks, ..Options::default() };
    let store = Arc::new(RedisStore::open(options).await.unwrap());
    let (ada, ben) = (user(&store, "ada").await, user(&store, "ben").await);
    let mut conversations = Vec::new();
    for _ in 0..senders {
        let id = ConversationId(entropy.bytes());
        let (owner, members) = (ada.clone(), vec![ben.clone()]);
        let group = NewGroup { id, title: None, owner, members, at: Timestamp(1) };
        store.create_group(group).await.unwrap();
        conversations.push(id);
    }

    let stop = Arc::new(AtomicBool::new(false));
    let before = (cpu_of_nodes(&url).await, own_cpu(), SystemClock.monotonic());
    let running: Vec<_> = conversations
        .into_iter()
        .map(|conversation| {
            let (store, stop, ada) = (store.clone(), stop.clone(), ada.clone());
            #[expect(clippy::disallowed_methods, reason = "the program is this alone")]
            tokio::spawn(async move { send(&store, conversation, &ada, &stop).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut times, mut failed) = (Vec::new(), 0);
    for sender in running {
        let measured = sender.await.unwrap();
        times.extend(measured.times);
        failed += measured.failed;
    }
    let elapsed = SystemClock.monotonic() - before.2;
    times.sort();
    let count = times.len();
    let at = |permille: usize| times[(count - 1) * permille / 1000];
    println!(
        "{count} appends in {elapsed:?}: {:.0}/s, {failed} failed",
        count as f64 / elapsed.as_secs_f64()
    );
    println!("p50 {:?}, p99 {:?}, p99.9 {:?}, longest {:?}", at(500), at(990), at(999), at(1000));
    let each = |cpu: f64| cpu * 1e6 / count as f64;
    println!("CPU an append: {:.1} µs here", each(own_cpu() - before.1));
    for ((name, after), (_, before)) in cpu_of_nodes(&url).await.into_iter().zip(before.0) {
        println!("CPU of {name}: {:.2} µs an append of all", each(after - before));
    }
}

async fn user(store: &RedisStore, name: &str) -> Username {
    let username = Username::new(name).unwrap();
    let user = User {
        username: username.clone(),
        display_name: name.to_owned(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: Timestamp(1),
    };
    let account = Account { user, password_hash: String::new(), throttle: Vec::new() };
    store.create_account(account).await.unwrap();
    username
}

async fn send(
    store: &RedisStore,
    conversation: ConversationId,
    from: &Username,
    stop: &AtomicBool,
) -> Measured {
    let mut measured = Measured::default();
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let at = SystemClock.now();
        let id = ClientId::new(&format!("m{number}")).unwrap();
        let mut body = EventBody::new(EventKind::Message, from.clone(), id, at);
        body.text = Some("A message of about as many characters as people write to each other.".to_owned());
        let append = Append {
            conversation,
            from: from.clone(),
            id: body.id.clone(),
            digest: number,
            operation: Operation::Message,
            body: body.encode(),
            at,
        };
        let begun = SystemClock.monotonic();
        match store.append(append).await {
            Ok(_) => measured.times.push(SystemClock.monotonic() - begun),
            Err(_) => measured.failed += 1,
        }
    }
    measured
}

/// Gives the CPU seconds that each node has used.
async fn cpu_of_nodes(url: &str) -> Vec<(String, f64)> {
    let ask = async |url: String, section: &[&str]| -> String {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(section[0]).arg(&section[1..]).query_async(&mut connection).await.unwrap()
    };
    let mut nodes = Vec::new();
    for line in ask(url.to_owned(), &["CLUSTER", "NODES"]).await.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let address = words[1].split('@').next().unwrap();
        let role = if words[2].contains("master") { "master" } else { "replica" };
        let information = ask(format!("redis://{address}"), &["INFO", "cpu"]).await;
        let used = |name: &str| {
            let line = information.lines().find(|line| line.starts_with(name)).unwrap();
            line.split(':').nth(1).unwrap().trim().parse::<f64>().unwrap()
        };
        nodes.push((format!("{role} {address}"), used("used_cpu_user") + used("used_cpu_sys")));
    }
    nodes.sort_by(|one, other| one.0.cmp(&other.0));
    nodes
}

/// Gives the CPU seconds that this process has used: user and system, in hundredths.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}
