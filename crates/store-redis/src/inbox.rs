//! Inboxes: some streams a shard, on several nodes. What they hold are hints, so nothing here waits for replicas.
//!
//! A process writes into one of a shard's streams (a lane), so that its news stay in order, and into another when that one's node is down.
//! A shard reads all of them, each over a connection of its own that blocks, into a ring in memory that cursors are places in.

mod reader;
mod ring;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Batch, Entropy, Inbox, Result};
use protocol::Shard;

use self::reader::ShardInbox;
use crate::RedisStore;
use crate::keys::Keys;
use crate::link::Call;
use crate::script::Script;
use crate::value::text;

/// How many streams an inbox has.
const LANES: usize = 4;

/// How many entries a stream keeps, about.
const ENTRIES: Bytes = Bytes::from_static(b"10000");

/// How many milliseconds a stream lives that nobody writes to.
const LIFE: Bytes = Bytes::from_static(b"600000");

/// How many entries are published at once.
const CHUNK: usize = 256;

/// How long a node may take before another lane is tried.
const PATIENCE: Duration = Duration::from_millis(500);

static PUBLISH: Script = Script::new("publish", include_str!("scripts/inbox/publish.lua"));

/// The inboxes that this process reads, and the lane that it writes to.
pub(crate) struct Inboxes {
    lane: AtomicUsize,
    shards: Mutex<HashMap<Shard, Arc<ShardInbox>>>,
}

#[async_trait]
impl Inbox for RedisStore {
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()> {
        for some in entries.chunks(CHUNK) {
            self.publish_some(shard, some).await?;
        }
        Ok(())
    }

    async fn end(&self, shard: &Shard) -> Result<u64> {
        let inbox = self.inbox(shard);
        inbox.catch_up(&*self.context.clock).await;
        Ok(inbox.end())
    }

    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch> {
        let inbox = self.inbox(shard);
        inbox.catch_up(&*self.context.clock).await;
        inbox.after(cursor, limit.max(1), &*self.context.clock).await
    }
}

impl Inboxes {
    /// Makes one that reads nothing yet.
    pub(crate) fn new(entropy: &(dyn Entropy + 'static)) -> Self {
        let lane = usize::from(entropy.bytes::<1>()[0]) % LANES;
        Self { lane: AtomicUsize::new(lane), shards: Mutex::default() }
    }
}

impl RedisStore {
    /// Writes entries to the lane that was used last, or to another if that one's node does not answer.
    async fn publish_some(&self, shard: &Shard, entries: &[Bytes]) -> Result<()> {
        let first = self.inboxes.lane.load(Ordering::Relaxed);
        let mut outcome = Ok(());
        for lane in (first..first + LANES).map(|lane| lane % LANES) {
            outcome = self.publish_to(shard, lane, entries).await;
            match &outcome {
                Ok(()) => {
                    self.inboxes.lane.store(lane, Ordering::Relaxed);
                    break;
                }
                Err(error) => tracing::debug!(%error, lane, "an inbox cannot be written to"),
            }
        }
        outcome
    }

    async fn publish_to(&self, shard: &Shard, lane: usize, entries: &[Bytes]) -> Result<()> {
        let arguments = [&[ENTRIES, LIFE], entries].concat();
        let call = Call::new(&PUBLISH, vec![key(&self.context.keys, shard, lane)], arguments);
        let last = self.context.link.tell(call, PATIENCE).await?;
        let here = self.inboxes.shards.lock().get(shard).cloned();
        if let Some(inbox) = here {
            // Whoever publishes and then reads in one process finds what was published.
            inbox.expect(lane, &text(last)?, self.context.clock.monotonic());
        }
        Ok(())
    }

    /// Gives a shard's inbox, and begins to read it if nobody does.
    fn inbox(&self, shard: &Shard) -> Arc<ShardInbox> {
        let mut shards = self.inboxes.shards.lock();
        if let Some(inbox) = shards.get(shard) {
            return inbox.clone();
        }
        let inbox = Arc::new(ShardInbox::new(self.context.clock.monotonic()));
        shards.insert(shard.clone(), inbox.clone());
        drop(shards);
        for lane in 0..LANES {
            let reader = inbox.clone().read_lane(
                lane,
                key(&self.context.keys, shard, lane),
                self.context.link.clone(),
                self.context.clock.clone(),
            );
            let (inboxes, shard, inbox) = (self.inboxes.clone(), shard.clone(), inbox.clone());
            let stop = self.context.stop.clone();
            self.context.tasks.spawn(async move {
                stop.run_until_cancelled(reader).await;
                inbox.close();
                // Nobody has read it for long: whoever does again begins anew.
                let mut shards = inboxes.shards.lock();
                if shards.get(&shard).is_some_and(|known| Arc::ptr_eq(known, &inbox)) {
                    shards.remove(&shard);
                }
            });
        }
        inbox
    }
}

fn key(keys: &Keys, shard: &Shard, lane: usize) -> Bytes {
    keys.tagged(&format!("in:{shard}:{lane}"), "")
}
