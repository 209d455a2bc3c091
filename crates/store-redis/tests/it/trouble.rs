//! Other trouble: no memory, no data, no scripts, no replicas.

use std::time::Duration;

use bytes::Bytes;
use ports::{Error, Inbox, Log, Outbox};
use protocol::{ConversationId, Shard};
use redis_lab::{Lab, Options as LabOptions};
use store_redis::{Acks, Options, RedisStore};
use xxhash_rust::xxh3::xxh3_64;

use crate::scene::{cluster, group_on, message, name, open, options, shared, user};

async fn with_people(lab: &Lab, options: Options) -> RedisStore {
    let store = RedisStore::open(Options { urls: lab.urls(), ..options }).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    store
}

#[tokio::test]
async fn a_full_memory_is_told_and_passes() {
    let lab = cluster(1).await;
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    let ada = name("ada");
    store.append(message(id, &ada, 1)).await.unwrap();
    let limit = async |bytes: &str| {
        let mut command = redis::cmd("CONFIG");
        lab.command::<()>(0, command.arg("SET").arg("maxmemory").arg(bytes)).await.unwrap();
    };
    limit("1").await;
    let refused = store.append(message(id, &ada, 2)).await;
    assert!(matches!(&refused, Err(Error::Unavailable(why)) if why.contains("memory")), "{refused:?}");
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 1, "what is there is read all the same");
    limit("0").await;
    let appended = store.append(message(id, &ada, 2)).await.unwrap();
    assert_eq!((appended.position.seq, appended.duplicate), (2, false));
}

#[tokio::test]
async fn a_master_that_comes_back_empty_is_used_as_it_is() {
    // It is back before anybody misses it.
    let (append_only, node_timeout) = (false, Duration::from_secs(60));
    let lab = Lab::start(LabOptions { append_only, node_timeout, ..LabOptions::default() }).await.unwrap();
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    store.append(message(id, &name("ada"), 1)).await.unwrap();
    lab.restart_empty(0).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    let gone = store.append(message(id, &name("ada"), 2)).await;
    assert_eq!(gone, Err(Error::ConversationNotFound));
    let id = group_on(&store, &lab, 0).await;
    assert_eq!(store.append(message(id, &name("ada"), 3)).await.unwrap().position.seq, 1);
}

#[tokio::test]
async fn a_node_that_forgot_its_scripts_learns_them_again() {
    let lab = cluster(1).await;
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    store.append(message(id, &name("ada"), 1)).await.unwrap();
    let mut command = redis::cmd("SCRIPT");
    lab.command::<()>(0, command.arg("FLUSH")).await.unwrap();
    let appended = store.append(message(id, &name("ada"), 2)).await.unwrap();
    assert_eq!((appended.position.seq, appended.duplicate), (2, false));
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_append_that_no_replica_has_is_in_doubt_and_not_shown() {
    // The replica counts as well for longer than the test takes.
    let node_timeout = Duration::from_secs(60);
    let lab = Lab::start(LabOptions { node_timeout, ..LabOptions::default() }).await.unwrap();
    let patient = options(&lab);
    let store = with_people(&lab, patient.clone()).await;
    let id = group_on(&store, &lab, 0).await;
    let ada = name("ada");
    store.append(message(id, &ada, 1)).await.unwrap();
    let hasty = Options { deadline: Duration::from_millis(700), tasks: ports::Tasks::default(), ..patient };
    let hasty = RedisStore::open(hasty).await.unwrap();
    lab.pause(3).unwrap();
    let in_doubt = hasty.append(message(id, &ada, 2)).await;
    assert!(matches!(in_doubt, Err(Error::Unavailable(_))), "{in_doubt:?}");
    // The master has it; but a failover may take it back, so nobody is shown it.
    let shown = hasty.events(id, 0, 10).await;
    assert!(matches!(shown, Err(Error::Unavailable(_))), "{shown:?}");
    lab.resume(3).unwrap();
    let appended = store.append(message(id, &ada, 2)).await.unwrap();
    assert_eq!(appended.position.seq, 2);
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_master_without_replicas_is_read_all_the_same() {
    let lab = cluster(1).await;
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    store.append(message(id, &name("ada"), 1)).await.unwrap();
    lab.kill(3).unwrap();
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.ends(&[id]).await.unwrap()[0].seq, 1);
}

#[tokio::test]
async fn a_conversation_is_read_while_its_master_is_dead() {
    let lab = Lab::start(LabOptions { node_timeout: Duration::from_secs(60), ..LabOptions::default() })
        .await
        .unwrap();
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    store.append(message(id, &name("ada"), 1)).await.unwrap();
    lab.kill(0).unwrap();
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_go_on_while_a_master_is_dead_and_after() {
    let lab = Lab::start(LabOptions { node_timeout: Duration::from_secs(5), ..LabOptions::default() })
        .await
        .unwrap();
    let store = open(&lab).await;
    let shard = Shard::new("chat-0").unwrap();
    let mut cursor = store.end(&shard).await.unwrap();
    lab.kill(0).unwrap();
    for number in 0..20 {
        let news = Bytes::from(format!("{number}"));
        store.publish(&shard, vec![news.clone()]).await.unwrap();
        let mut batch = store.read(&shard, cursor, 10).await.unwrap();
        cursor = batch.cursor;
        assert_eq!(batch.entries.pop(), Some(news));
    }
    lab.wait_for_master_other_than(0, 0).await.unwrap();
    for number in 20..40 {
        let news = Bytes::from(format!("{number}"));
        store.publish(&shard, vec![news.clone()]).await.unwrap();
        let mut batch = store.read(&shard, cursor, 10).await.unwrap();
        cursor = batch.cursor;
        assert_eq!(batch.entries.pop(), Some(news));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_goes_on_after_a_failover() {
    let lab = cluster(1).await;
    let store = with_people(&lab, options(&lab)).await;
    let id = group_on(&store, &lab, 0).await;
    let partition = partition_of(id);
    let ada = name("ada");
    store.append(message(id, &ada, 1)).await.unwrap();
    let first = store.pending(partition, 0, 10).await.unwrap();
    let last = first.last().unwrap().position;
    store.dealt_with(partition, last).await.unwrap();
    let (pending, _) = tokio::join!(store.pending(partition, last, 10), async {
        lab.failover(3).await.unwrap();
        store.append(message(id, &ada, 2)).await.unwrap()
    });
    let pending = pending.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2]);
    assert!(pending[0].position > last);
}

#[tokio::test]
async fn too_much_that_waits_is_refused() {
    let lab = shared().await;
    let options = Options { queue_calls: 10, acks: Acks::Leader, ..options(lab) };
    let store = with_people(lab, options).await;
    let id = group_on(&store, lab, 0).await;
    let ada = name("ada");
    // None is sent before all are queued: this is the only thread.
    let queued: Vec<_> = (0..20).map(|number| store.append(message(id, &ada, number))).collect();
    let mut outcomes = Vec::new();
    for append in queued {
        outcomes.push(append.await.is_ok());
    }
    assert_eq!(outcomes, [vec![true; 10], vec![false; 10]].concat());
}

fn partition_of(ConversationId(id): ConversationId) -> u16 {
    u16::try_from(xxh3_64(&id) % 1024).unwrap()
}
