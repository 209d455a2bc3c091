//! News from shard to shard in one process: `store-embedded/src/inbox.rs`.

use std::sync::Arc;

use bytes::Bytes;
use ports::Inbox;
use protocol::Shard;
use shuttle::future::block_on;
use shuttle::thread;

use crate::EmbeddedStore;
use crate::explore::{explore, join};

/// How often each publisher publishes.
const BATCHES: u8 = 2;

/// A reader who waits is woken by what is published, gets everything once and each publisher's in its order, also while the inbox is made by
/// whoever needs it first.
pub fn news_arrive_once_and_wake_the_reader() {
    explore(|| {
        let (store, shard) = (Arc::new(EmbeddedStore::default()), Shard::new("chat-0").unwrap());
        let publishing = [0, 1].map(|publisher| {
            let (store, shard) = (store.clone(), shard.clone());
            thread::spawn(move || {
                for number in 0..BATCHES {
                    let entry = Bytes::copy_from_slice(&[publisher, number]);
                    block_on(store.publish(&shard, vec![entry])).unwrap();
                }
            })
        });
        let (mut cursor, mut counts) = (0, [0; 2]);
        while counts != [BATCHES; 2] {
            let batch = block_on(store.read(&shard, cursor, 3)).unwrap();
            assert_eq!(batch.cursor, cursor + batch.entries.len() as u64);
            cursor = batch.cursor;
            for entry in &batch.entries {
                let count = &mut counts[usize::from(entry[0])];
                assert_eq!(entry[1], *count, "lost, repeated or out of order");
                *count += 1;
            }
        }
        join(publishing);
        assert_eq!(block_on(store.end(&shard)).unwrap(), cursor);
    });
}
