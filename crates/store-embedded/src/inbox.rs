//! Inboxes, in memory alone: what they hold are hints, and a process that ends takes their readers with it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use ports::{Batch, Inbox, Result};
use protocol::Shard;
use tokio::sync::Notify;

use crate::EmbeddedStore;

/// How many entries an inbox keeps.
const ENTRIES: usize = 65_536;
/// How many bytes of entries an inbox keeps.
const BYTES: usize = 64 * 1024 * 1024;

/// The inboxes of all shards.
#[derive(Default)]
pub(crate) struct Inboxes {
    shards: RwLock<HashMap<Shard, Arc<ShardInbox>>>,
}

#[derive(Default)]
struct ShardInbox {
    ring: Mutex<Ring>,
    published: Notify,
}

/// The newest entries of an inbox.
#[derive(Default)]
struct Ring {
    entries: VecDeque<Bytes>,
    bytes: usize,
    /// How many entries have gone: the cursor before the first that is left.
    gone: u64,
}

#[async_trait]
impl Inbox for EmbeddedStore {
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()> {
        let inbox = self.inboxes.of(shard);
        inbox.ring.lock().push(entries);
        inbox.published.notify_waiters();
        Ok(())
    }

    async fn end(&self, shard: &Shard) -> Result<u64> {
        Ok(self.inboxes.of(shard).ring.lock().end())
    }

    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch> {
        let inbox = self.inboxes.of(shard);
        loop {
            // Made before the look: it is woken by what is published from here on.
            let published = inbox.published.notified();
            if let Some(batch) = inbox.ring.lock().after(cursor, limit.max(1)) {
                return Ok(batch);
            }
            published.await;
        }
    }
}

impl Inboxes {
    fn of(&self, shard: &Shard) -> Arc<ShardInbox> {
        if let Some(inbox) = self.shards.read().get(shard) {
            return inbox.clone();
        }
        self.shards.write().entry(shard.clone()).or_default().clone()
    }
}

impl Ring {
    fn push(&mut self, entries: Vec<Bytes>) {
        for entry in entries {
            self.bytes += entry.len();
            self.entries.push_back(entry);
            while self.entries.len() > ENTRIES || self.bytes > BYTES {
                self.bytes -= self.entries.pop_front().map_or(0, |entry| entry.len());
                self.gone += 1;
            }
        }
    }

    fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    /// Gives entries after a cursor, from the oldest that is left on; a cursor beyond the end is of an earlier run and counts as the end.
    fn after(&self, cursor: u64, limit: usize) -> Option<Batch> {
        let skipped = usize::try_from(cursor.clamp(self.gone, self.end()) - self.gone).ok()?;
        let entries: Vec<Bytes> = self.entries.iter().skip(skipped).take(limit).cloned().collect();
        if entries.is_empty() {
            return None;
        }
        let cursor = self.gone + (skipped + entries.len()) as u64;
        Some(Batch { entries, cursor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_bounded_by_entries_and_by_bytes() {
        let mut ring = Ring::default();
        ring.push(vec![Bytes::from_static(b"x"); ENTRIES + 3]);
        assert_eq!((ring.gone, ring.entries.len(), ring.bytes), (3, ENTRIES, ENTRIES));
        ring.push(vec![Bytes::from(vec![0; BYTES])]);
        assert_eq!((ring.entries.len(), ring.bytes), (1, BYTES));
        assert_eq!(ring.end(), ENTRIES as u64 + 4);
    }
}
