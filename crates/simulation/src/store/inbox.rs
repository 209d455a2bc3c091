//! Inboxes: no part of what can be lost, because hints get lost one by one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Batch, Inbox, Result};
use protocol::Shard;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::StoreHandle;
use super::agenda::Agenda;
use super::handle::Lane;
use super::trouble::HintFaults;
use crate::dice::Dice;

/// How many entries an inbox keeps.
const ENTRIES: usize = 10_000;

/// The inboxes of all shards.
pub(super) struct Inboxes {
    shards: Mutex<BTreeMap<Shard, Arc<ShardInbox>>>,
    faults: Mutex<HintFaults>,
    dice: Dice,
    agenda: Agenda,
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
    /// How many entries have gone: the cursor before the first that is left.
    gone: u64,
}

#[async_trait]
impl Inbox for StoreHandle {
    async fn publish(&self, shard: &Shard, mut entries: Vec<Bytes>) -> Result<()> {
        self.spoil_news(shard, &mut entries);
        let (inboxes, lane) = (self.store.0.inboxes.clone(), Lane::Shard(shard.clone()));
        let inbox = inboxes.of(shard);
        self.call_in_order(lane, move |_| {
            inboxes.publish(&inbox, entries);
            Ok(())
        })
        .await
    }

    async fn end(&self, shard: &Shard) -> Result<u64> {
        let inbox = self.store.0.inboxes.of(shard);
        self.call(move |_| Ok(inbox.ring.lock().end())).await
    }

    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch> {
        let inbox = self.store.0.inboxes.of(shard);
        loop {
            // Made before the look: it is woken by what is published from here on.
            let published = inbox.published.notified();
            if inbox.ring.lock().after(cursor, 1).is_none() {
                published.await;
                continue;
            }
            let inbox = inbox.clone();
            if let Some(batch) = self.call(move |_| Ok(inbox.ring.lock().after(cursor, limit.max(1)))).await?
            {
                return Ok(batch);
            }
        }
    }
}

impl Inboxes {
    /// Makes the inboxes, of which none is there yet.
    pub(super) fn new(dice: Dice, agenda: Agenda) -> Self {
        Self { shards: Mutex::default(), faults: Mutex::default(), dice, agenda }
    }

    /// Says what happens to entries from now on.
    pub(super) fn set_faults(&self, faults: HintFaults) {
        *self.faults.lock() = faults;
    }

    fn of(&self, shard: &Shard) -> Arc<ShardInbox> {
        self.shards.lock().entry(shard.clone()).or_default().clone()
    }

    /// Puts entries into an inbox: at once, late, twice or not at all.
    fn publish(&self, inbox: &Arc<ShardInbox>, entries: Vec<Bytes>) {
        let faults = self.faults.lock().clone();
        let late = |entry: Bytes| {
            let (due, inbox) = (Instant::now() + self.dice.millis(faults.delay_ms.clone()), inbox.clone());
            self.agenda.at(due, move || inbox.push(entry));
        };
        for entry in entries {
            if self.dice.chance(faults.repeated) {
                late(entry.clone());
            }
            if self.dice.chance(faults.lost) {
                continue;
            }
            if self.dice.chance(faults.delayed) {
                late(entry);
            } else {
                inbox.push(entry);
            }
        }
    }
}

impl ShardInbox {
    fn push(&self, entry: Bytes) {
        self.ring.lock().push(entry);
        self.published.notify_waiters();
    }
}

impl Ring {
    fn push(&mut self, entry: Bytes) {
        self.entries.push_back(entry);
        if self.entries.len() > ENTRIES {
            self.entries.pop_front();
            self.gone += 1;
        }
    }

    fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    /// Gives entries after a cursor, from the oldest that is left on; a cursor beyond the end counts as the end.
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
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;
    use crate::store::scene::{Scene, pass};

    /// Publishes the numbers from 0 to 99 with these faults, and gives what comes, in order.
    async fn received(seed: u64, faults: HintFaults) -> Vec<u8> {
        let scene = Scene::set(seed).await;
        let shard = Shard::new("chat-1").unwrap();
        scene.store.hints(faults);
        for number in 0..100 {
            scene.handle.publish(&shard, vec![Bytes::from(vec![number])]).await.unwrap();
            pass(1).await;
        }
        pass(1_000).await;
        scene.store.hints(HintFaults::default());
        scene.handle.publish(&shard, vec![Bytes::from_static(&[u8::MAX])]).await.unwrap();
        let mut entries: Vec<u8> = scene
            .handle
            .read(&shard, 0, usize::MAX)
            .await
            .unwrap()
            .entries
            .iter()
            .flatten()
            .copied()
            .collect();
        assert_eq!(entries.pop(), Some(u8::MAX));
        entries
    }

    #[tokio::test(start_paused = true)]
    async fn hints_get_lost_by_the_seed() {
        let faults = HintFaults { lost: 0.3, ..HintFaults::default() };
        let entries = received(1, faults.clone()).await;
        assert!((50..90).contains(&entries.len()) && entries.is_sorted());
        assert_eq!(received(1, faults.clone()).await, entries);
        assert_ne!(received(2, faults).await, entries);
        assert!(received(1, HintFaults { lost: 1.0, ..HintFaults::default() }).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn hints_come_twice() {
        let faults = HintFaults { repeated: 1.0, delay_ms: 10..=20, ..HintFaults::default() };
        let mut entries = received(1, faults).await;
        assert!(!entries.is_sorted());
        entries.sort_unstable();
        assert_eq!(entries, (0..100).flat_map(|number| [number, number]).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn late_hints_are_overtaken() {
        let faults = HintFaults { delayed: 0.5, delay_ms: 10..=20, ..HintFaults::default() };
        let mut entries = received(1, faults).await;
        assert!(!entries.is_sorted());
        entries.sort_unstable();
        assert_eq!(entries, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_oldest_go_first() {
        let mut ring = Ring::default();
        for number in 0..ENTRIES + 3 {
            ring.push(number.to_string().into());
        }
        let batch = ring.after(0, 1).unwrap();
        assert_eq!((batch.entries, batch.cursor), (vec!["3".into()], 4));
        assert_eq!(ring.after(u64::MAX, 1), None);
    }
}
