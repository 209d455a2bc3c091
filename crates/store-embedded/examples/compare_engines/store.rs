//! The store itself, as its users see it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ports::{Account, Accounts, Append, Conversations, Log, NewGroup, Operation};
use protocol::account::User;
use protocol::{ClientId, ConversationId, EventBody, EventKind, Timestamp, Username};
use store_embedded::{EmbeddedStore, Options};
use tokio::task::JoinSet;

use crate::measure::{cpu, cpu_of_thread, now, percentile};

/// The name of the store's writer.
const WRITER: &str = "store-writer";
const CONVERSATIONS: u8 = 200;
const NOW: Timestamp = Timestamp(1_764_000_000_000);

/// Measures appends through the store.
pub(crate) fn run(seconds: u64) {
    println!("the store");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    for senders in [1, 16, 128, 1_024] {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(closed_loop(folder.path(), senders, seconds.div_ceil(4)));
    }
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(paced(folder.path(), 2_000, seconds));
}

/// Senders that each wait for the last append before the next.
async fn closed_loop(folder: &Path, senders: usize, seconds: u64) {
    let store = prepare(folder).await;
    let (start, cpu_before, writer_before) = (now(), cpu(), cpu_of_thread(WRITER));
    let mut tasks = JoinSet::new();
    for sender in 0..senders {
        let store = store.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while (now() - start).as_secs() < seconds {
                let append = message(sender, latencies.len());
                let before = now();
                store.append(append).await.unwrap();
                latencies.push(now() - before);
            }
            latencies
        });
    }
    let mut latencies = tasks.join_all().await.concat();
    let (wall, cpu) = ((now() - start).as_secs_f64(), cpu() - cpu_before);
    let writer = cpu_of_thread(WRITER) - writer_before;
    let appended = latencies.len() as f64;
    println!(
        "  {senders:4} senders: {:6.0} appends/s, {:5.1} µs CPU each, {:5.1} in the writer, acknowledged p50 {:?} p99 {:?}",
        appended / wall,
        cpu.as_secs_f64() * 1e6 / appended,
        writer.as_secs_f64() * 1e6 / appended,
        percentile(&mut latencies, 0.5),
        percentile(&mut latencies, 0.99),
    );
    store.close().await.unwrap();
}

/// Appends that come at a steady rate, whether the earlier ones are done or not.
async fn paced(folder: &Path, rate: u64, seconds: u64) {
    let store = prepare(folder).await;
    let (start, cpu_before) = (now(), cpu());
    let mut tasks = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut number: usize = 0;
    while (now() - start).as_secs() < seconds {
        ticks.tick().await;
        while (number as u128) < (now() - start).as_micros() * u128::from(rate) / 1_000_000 {
            let before = now();
            let append = store.append(message(number % 1_000, number));
            tasks.spawn(async move {
                append.await.unwrap();
                now() - before
            });
            number += 1;
        }
    }
    let mut latencies = tasks.join_all().await;
    let cpu = cpu() - cpu_before;
    println!(
        "  {rate} appends/s for {seconds} s: {:5.1} µs CPU each, acknowledged p50 {:?} p99 {:?} p99.9 {:?} longest {:?}",
        cpu.as_secs_f64() * 1e6 / latencies.len() as f64,
        percentile(&mut latencies, 0.5),
        percentile(&mut latencies, 0.99),
        percentile(&mut latencies, 0.999),
        percentile(&mut latencies, 1.0),
    );
    store.close().await.unwrap();
}

async fn prepare(folder: &Path) -> Arc<EmbeddedStore> {
    let store = EmbeddedStore::open(folder, Options::default()).unwrap();
    for username in [name("ada"), name("ben")] {
        let user = User {
            display_name: username.as_str().to_owned(),
            username,
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: NOW,
        };
        let account = Account { user, password_hash: String::new(), throttle: Vec::new() };
        store.create_account(account).await.unwrap();
    }
    for number in 0..CONVERSATIONS {
        let (id, owner, members) = (ConversationId([number; 16]), name("ada"), vec![name("ben")]);
        store.create_group(NewGroup { id, title: None, owner, members, at: NOW }).await.unwrap();
    }
    Arc::new(store)
}

fn message(sender: usize, number: usize) -> Append {
    let from = if sender.is_multiple_of(2) { name("ada") } else { name("ben") };
    let id = ClientId::new(&format!("{sender}-{number}")).unwrap();
    let mut body = EventBody::new(EventKind::Message, from, id, NOW);
    body.text = Some("a text as long as those that people write to each other most of the time".to_owned());
    Append {
        conversation: ConversationId([(sender % usize::from(CONVERSATIONS)) as u8; 16]),
        from: body.from.clone(),
        id: body.id.clone(),
        digest: number as u64,
        operation: Operation::Message,
        body: body.encode(),
        at: NOW,
    }
}

fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}
