//! The state of the store: what it holds, how that was, and what no loss brings back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ports::{OutboxPosition, Result};
use protocol::Username;
use tokio::time::Instant;

use super::data::Data;
use super::outbox::{Bells, OUTBOXES};
use super::partition::{PARTITIONS, Placed};
use super::past::Past;
use crate::defect::Defect;
use crate::history::{Happened, History};

/// By how much the versions of one generation are below those of the next: more than there are changes.
const VERSIONS: u64 = 1 << 32;

/// The state of the store.
pub(super) struct State {
    pub(super) data: Data,
    /// When the data were changed last, and how often they were.
    pub(super) changed_at: Instant,
    changes: u64,
    pub(super) past: Past,
    /// How often each partition may have lost a tail, from 1: no loss takes that away.
    pub(super) generations: [u64; PARTITIONS],
    /// How often each user joined or left a conversation, through losses too.
    pub(super) membership_versions: BTreeMap<Username, u64>,
    /// The last position that each partition of the outbox has given: it gives none twice.
    pub(super) outbox_ends: [OutboxPosition; OUTBOXES],
    /// What the identifiers of direct conversations are made of.
    pub(super) identifiers: u64,
    pub(super) history: History,
    pub(super) outbox_bells: Arc<Bells>,
    pub(super) defect: Option<Defect>,
}

impl State {
    /// Begins with nothing.
    pub(super) fn new(identifiers: u64, history: History, outbox_bells: Arc<Bells>) -> Self {
        Self {
            data: Data::default(),
            changed_at: Instant::now(),
            changes: 0,
            past: Past::default(),
            generations: [1; PARTITIONS],
            membership_versions: BTreeMap::new(),
            outbox_ends: [0; OUTBOXES],
            identifiers,
            history,
            outbox_bells,
            defect: None,
        }
    }

    /// Says whether the store has a defect.
    pub(super) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Gives the data to be changed.
    pub(super) fn change(&mut self) -> &mut Data {
        let now = Instant::now();
        self.past.note(&self.data, self.changed_at, now);
        (self.changed_at, self.changes) = (now, self.changes + 1);
        &mut self.data
    }

    /// Does something that counts as having always been so.
    pub(super) fn always<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let changes = self.changes;
        let outcome = act(self);
        if self.changes != changes {
            self.past.forget();
        }
        outcome
    }

    /// Gives the generation of what is appended now.
    pub(super) fn generation(&self, key: &(impl Placed + ?Sized)) -> u64 {
        // A partition has a generation.
        self.generations.get(key.partition()).copied().unwrap_or(1)
    }

    /// Gives the version that follows one: greater than every other that was given before, through losses too.
    pub(super) fn version_after(&self, key: &(impl Placed + ?Sized), version: u64) -> u64 {
        let least = (self.generation(key) - 1) * VERSIONS;
        version.max(least) + 1
    }

    /// Writes down what happened.
    pub(super) fn note(&self, what: Happened) {
        self.history.note(what);
    }

    /// Lets a partition be as it was so long ago.
    pub(super) fn restore(&mut self, partition: usize, ago: Duration) {
        let moment = Instant::now().checked_sub(ago);
        self.past.lose(&mut self.data, self.changed_at, partition, moment);
        self.changed_at = Instant::now();
    }
}
