//! What is kept for a while only.

use bytes::Bytes;
use futures_util::future::join_all;
use ports::{Append, Inbox, Log};
use protocol::{ConversationId, Shard};
use redis_lab::Lab;
use store_redis::{Acks, Options, RedisStore};
use xxhash_rust::xxh3::xxh3_64;

use crate::scene::{group_on, message, name, options, shared, user};

/// Asks the node of a slot.
async fn ask(lab: &Lab, node: usize, command: &str, key: &str) -> i64 {
    lab.command(node, redis::cmd(command).arg(key)).await.unwrap()
}

fn key(prefix: &str, ConversationId(id): ConversationId, rest: &str) -> String {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}{{c{}}}:{hex}{rest}", xxh3_64(&id) % 1024)
}

#[tokio::test]
async fn of_each_sender_the_last_thousand_requests_are_remembered() {
    let lab = shared().await;
    let options = Options { acks: Acks::Leader, ..options(lab) };
    let prefix = options.prefix.clone();
    let store = RedisStore::open(options).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let (id, ada) = (group_on(&store, lab, 0).await, name("ada"));
    let request = |number: u64| {
        let request = message(id, &ada, number);
        Append { at: request.at.plus(number), ..request }
    };
    const ALL: u64 = 5_000;
    for from in (0..ALL).step_by(500) {
        let appended = join_all((from..from + 500).map(|number| store.append(request(number)))).await;
        assert!(appended.iter().all(Result::is_ok));
    }
    let again = join_all((ALL - 1_001..ALL).map(|number| store.append(request(number)))).await;
    assert!(again.iter().all(|again| again.as_ref().unwrap().duplicate));
    let kept = [":i:ada", ":i:ada:o"].map(|rest| key(&prefix, id, rest));
    for key in &kept {
        assert!((1..1_100).contains(&ask(lab, 0, "HLEN", key).await));
        let hours = ask(lab, 0, "TTL", key).await / 3600;
        assert!((24..=25).contains(&hours), "they are forgotten after a day");
    }
}

#[tokio::test]
async fn the_inbox_of_a_shard_that_is_gone_is_bounded_and_goes_too() {
    let lab = shared().await;
    let options = options(lab);
    let prefix = options.prefix.clone();
    let store = RedisStore::open(options).await.unwrap();
    let shard = Shard::new("gone").unwrap();
    for _ in 0..20 {
        store.publish(&shard, vec![Bytes::from_static(b"news"); 1_000]).await.unwrap();
    }
    let mut found = 0;
    for lane in 0..4 {
        let key = format!("{prefix}{{in:gone:{lane}}}");
        let node = lab.master_of(lab.slot_of(&key).await.unwrap()).await.unwrap();
        if ask(lab, node, "EXISTS", &key).await == 1 {
            found += 1;
            assert!((10_000..11_000).contains(&ask(lab, node, "XLEN", &key).await));
            assert!((1..=600).contains(&ask(lab, node, "TTL", &key).await));
        }
    }
    assert_eq!(found, 1, "a process writes into one lane");
}
