//! A process that appends is killed, and what it had acknowledged is there.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ports::{Accounts, Conversations, Entropy, Log, NewGroup, Outbox, SystemEntropy};
use protocol::{ConversationId, EventBody};
use store_embedded::{EmbeddedStore, Options};
use tokio::task::JoinSet;

use crate::scene::{NOW, account, at_once, message, name};

/// Names the folder for the child.
const FOLDER: &str = "STORE_EMBEDDED_CRASH_FOLDER";
/// Says to the child not to sync, if it is there.
const WITHOUT_SYNC: &str = "STORE_EMBEDDED_CRASH_WITHOUT_SYNC";
const CONVERSATIONS: [ConversationId; 3] =
    [ConversationId([1; 16]), ConversationId([2; 16]), ConversationId([3; 16])];
const WRITERS: usize = 6;
const ROUNDS: usize = 5;

/// What was acknowledged: of each conversation, the number by the request's id.
type Acknowledged = HashMap<ConversationId, HashMap<String, u64>>;

#[test]
fn nothing_acknowledged_is_lost_in_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut acknowledged = Acknowledged::new();
    for _ in 0..ROUNDS {
        run_and_kill(folder.path(), true, &mut acknowledged);
        check(folder.path(), &acknowledged, 1);
    }
}

#[test]
fn without_sync_the_generation_tells_that_a_tail_may_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let mut acknowledged = Acknowledged::new();
    run_and_kill(folder.path(), false, &mut acknowledged);
    // The operating system lives: nothing is lost in fact.
    check(folder.path(), &acknowledged, 2);
}

/// The child, if the others have started it: it appends until it is killed, and writes a line for each acknowledged append.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let sync = std::env::var_os(WITHOUT_SYNC).is_none();
    let run = u64::from_be_bytes((&SystemEntropy as &dyn Entropy).bytes());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let options = Options { sync, ..Options::default() };
    let store = std::sync::Arc::new(EmbeddedStore::open(folder, options).unwrap());
    runtime.block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                for number in 0_usize.. {
                    let conversation = CONVERSATIONS[number % CONVERSATIONS.len()];
                    let id = format!("{run:x}-{writer}-{number}");
                    let from = if writer % 2 == 0 { "ada" } else { "ben" };
                    let appended = store.append(message(conversation, from, &id)).await.unwrap();
                    let line = format!("acknowledged {conversation} {} {id}\n", appended.position.seq);
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        writers.join_all().await;
    });
}

fn prepare(folder: &Path) {
    block_on(async {
        let store = EmbeddedStore::open(folder, Options::default()).unwrap();
        for username in ["ada", "ben"] {
            store.create_account(account(username)).await.unwrap();
        }
        for id in CONVERSATIONS {
            let (owner, members) = (name("ada"), vec![name("ben")]);
            store.create_group(NewGroup { id, title: None, owner, members, at: NOW }).await.unwrap();
        }
    });
}

/// Starts the child, and kills it after a random number of acknowledged appends.
fn run_and_kill(folder: &Path, sync: bool, acknowledged: &mut Acknowledged) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped());
    if !sync {
        command.env(WITHOUT_SYNC, "1");
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let count = 200 + (&SystemEntropy as &dyn Entropy).below(1_500);
    let mut line = String::new();
    for _ in 0..count {
        line.clear();
        lines.read_line(&mut line).unwrap();
        note(&line, acknowledged);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had written before it died counts as well, but for a last line that is not whole.
    loop {
        line.clear();
        lines.read_line(&mut line).unwrap();
        if !line.ends_with('\n') {
            break;
        }
        note(&line, acknowledged);
    }
}

fn note(line: &str, acknowledged: &mut Acknowledged) {
    // The harness writes lines of its own.
    let Some((_, line)) = line.trim_end().split_once("acknowledged ") else { return };
    let [conversation, seq, id] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let conversation = ConversationId::parse(conversation).unwrap();
    acknowledged.entry(conversation).or_default().insert(id.to_owned(), seq.parse().unwrap());
}

/// Checks that the numbers are dense, that each id is there once, and that all which was acknowledged is where it was said to be.
fn check(folder: &Path, acknowledged: &Acknowledged, generation: u64) {
    block_on(async {
        let store = EmbeddedStore::open(folder, Options::default()).unwrap();
        let mut messages = 0;
        for conversation in CONVERSATIONS {
            let events = store.events(conversation, 0, usize::MAX).await.unwrap();
            let mut by_id = BTreeMap::new();
            for (expected, event) in (1..).zip(&events) {
                assert_eq!(event.position.seq, expected);
                assert_eq!(event.position.r#gen, 1);
                let body = EventBody::decode(&event.body).unwrap();
                assert_eq!(by_id.insert(body.id.as_str().to_owned(), expected), None, "{} twice", body.id);
            }
            assert_eq!(store.ends(&[conversation]).await.unwrap()[0].seq, events.len() as u64);
            messages += events.len();
            for (id, seq) in &acknowledged[&conversation] {
                assert_eq!(by_id.get(id), Some(seq), "{id}");
            }
            let (id, seq) = acknowledged[&conversation].iter().next().unwrap();
            let from = EventBody::decode(&events[*seq as usize - 1].body).unwrap().from;
            let repeated = store.append(message(conversation, from.as_str(), id)).await.unwrap();
            assert_eq!((repeated.position.seq, repeated.duplicate), (*seq, true));
        }
        assert_eq!(outbox_entries(&store).await, messages);
        if generation > 1 {
            let next = store.append(message(CONVERSATIONS[0], "ada", "next")).await.unwrap();
            assert_eq!(next.position.r#gen, generation);
        }
    });
}

/// Counts the entries of the outbox, which nobody has dealt with.
async fn outbox_entries(store: &EmbeddedStore) -> usize {
    let mut count = 0;
    for partition in 0..store.partitions() {
        if at_once(store.pending(partition, 0, 1)).is_some() {
            count += store.pending(partition, 0, usize::MAX).await.unwrap().len();
        }
    }
    count
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(future);
}
