//! An inbox that loses, repeats, delays and reorders.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Batch, Inbox, Result};
use protocol::Shard;

use super::Dice;

/// What becomes of hints.
#[derive(Clone, Copy, Default)]
pub(crate) struct HintFaults {
    /// How many of a hundred are lost.
    pub(crate) lost: usize,
    /// How many of a hundred come twice.
    pub(crate) repeated: usize,
    /// How many are kept back at most, to come later and in any order; the last ones never come.
    pub(crate) kept: usize,
}

/// The inboxes of a store, with faults between.
pub(crate) struct FaultyInbox {
    inner: Arc<dyn Inbox>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    faults: HintFaults,
    kept: Vec<(Shard, Bytes)>,
}

impl HintFaults {
    /// Nothing comes.
    pub(crate) const ALL_LOST: Self = Self { lost: 100, repeated: 0, kept: 0 };
}

impl FaultyInbox {
    pub(crate) fn new(inner: Arc<dyn Inbox>, seed: u64) -> Self {
        let state = State { dice: Dice::new(seed), faults: HintFaults::default(), kept: Vec::new() };
        Self { inner, state: Mutex::new(state) }
    }

    /// Lets hints fare otherwise from now on.
    pub(crate) fn set(&self, faults: HintFaults) {
        self.state.lock().faults = faults;
    }
}

impl State {
    /// Takes hints for a shard, and gives those that go on now.
    fn take(&mut self, shard: &Shard, entries: Vec<Bytes>) -> Vec<(Shard, Bytes)> {
        let mut going = Vec::new();
        for entry in entries {
            if self.dice.chance(self.faults.lost) {
                continue;
            }
            if self.dice.chance(self.faults.repeated) {
                self.kept.push((shard.clone(), entry.clone()));
            }
            self.kept.push((shard.clone(), entry));
            while self.kept.len() > self.dice.below(self.faults.kept + 1) {
                let index = self.dice.below(self.kept.len());
                going.push(self.kept.swap_remove(index));
            }
        }
        going
    }
}

#[async_trait]
impl Inbox for FaultyInbox {
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()> {
        let going = self.state.lock().take(shard, entries);
        for (shard, entry) in going {
            self.inner.publish(&shard, vec![entry]).await?;
        }
        Ok(())
    }

    async fn end(&self, shard: &Shard) -> Result<u64> {
        self.inner.end(shard).await
    }

    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch> {
        self.inner.read(shard, cursor, limit).await
    }
}
