//! Finding what lost hints would have told: by comparing what was shown with the log, and what is known with the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ports::{Error, Result};
use protocol::{CloseCode, ConversationId, Timestamp, Username};

use crate::joining::CHUNK;
use crate::shard::Shared;

/// How many sweeps of the logs there are to one of users and conversations.
const OTHERS_EVERY: u32 = 4;
/// How many conversations are read anew at once, in turn: a change of title or members of which a hint was lost is found in the end
/// even where nobody says anything.
const RECORDS: usize = 64;
/// How far back ended logins are asked for: clocks differ, and one asked for twice costs nothing.
const OVERLAP: u64 = 30_000;

impl Shared {
    /// Sweeps the logs and the logins, for ever.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut since = self.clock.now();
        loop {
            tokio::time::sleep(self.options.sweep_every).await;
            // Each by itself: what cannot be read here may be readable there.
            self.note(self.sweep_logs().await, "logs");
            self.note(self.sweep_logins(&mut since).await, "logins");
        }
    }

    /// Sweeps users and conversations, for ever; apart from the logs, since it is one call after the other, each as slow as the store.
    pub(crate) async fn sweep_others(self: Arc<Self>) {
        let mut last = None;
        loop {
            tokio::time::sleep(OTHERS_EVERY * self.options.sweep_every).await;
            self.note(self.sweep_users().await, "users");
            self.note(self.sweep_records(&mut last).await, "conversations");
        }
    }

    fn note(&self, swept: Result<()>, what: &str) {
        if let Err(error) = swept {
            self.metrics.sweep_errors.inc();
            tracing::warn!(%error, what, "cannot sweep");
        }
    }

    /// Reads the logs that were ahead of what was shown in two sweeps: what is between them is no longer on its way.
    async fn sweep_logs(&self) -> Result<()> {
        let mut failed = None;
        for chunk in self.conversations.all().chunks(CHUNK) {
            let ids: Vec<ConversationId> = chunk.iter().map(|local| local.id).collect();
            let ends = self.log.ends(&ids).await?;
            for (local, end) in chunk.iter().zip(ends) {
                let missed = {
                    let mut state = local.state.lock();
                    let reached = state.sequencer.reached();
                    let missed = state.behind.is_some_and(|behind| behind > reached);
                    state.behind = (end > reached).then_some(end);
                    state.sequencer.expect(end);
                    missed
                };
                if missed {
                    self.metrics.swept.inc();
                    keep(self.read_on(local).await, &mut failed);
                }
            }
            breathe().await;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads anew the conversations of users who have joined or left one.
    async fn sweep_users(&self) -> Result<()> {
        let mut failed = None;
        for chunk in self.clients.all().chunks(CHUNK) {
            let names: Vec<Username> = chunk.iter().map(|user| user.name.clone()).collect();
            let versions = self.store.membership_versions(&names).await?;
            for (user, version) in chunk.iter().zip(versions) {
                if user.ready.initialized() && user.membership_version.load(Ordering::Relaxed) != version {
                    keep(self.refresh(user).await, &mut failed);
                }
            }
            breathe().await;
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads some conversations anew, those after `last` in the order of their ids.
    async fn sweep_records(&self, last: &mut Option<ConversationId>) -> Result<()> {
        let mut ids: Vec<ConversationId> = self.conversations.all().iter().map(|local| local.id).collect();
        ids.sort_unstable();
        let next = ids.partition_point(|id| last.is_some_and(|last| *id <= last));
        let mut failed = None;
        for id in ids[next..].iter().take(RECORDS) {
            match self.store.conversation(*id).await {
                Ok(Some(record)) => keep(self.changed_to(record).await, &mut failed),
                Ok(None) => {}
                Err(error) => keep(Err(error), &mut failed),
            }
        }
        *last = ids.get(next + RECORDS - 1).copied();
        failed.map_or(Ok(()), Err)
    }

    async fn sweep_logins(&self, since: &mut Timestamp) -> Result<()> {
        let now = self.clock.now();
        for ended in self.store.ended_logins(Timestamp(since.0.saturating_sub(OVERLAP))).await? {
            for connection in self.clients.of_login(&ended.username, ended.id) {
                connection.end(CloseCode::Unauthenticated, "logged out");
            }
        }
        *since = now;
        Ok(())
    }
}

/// Keeps the last error: what failed for one must not stop the others.
fn keep(result: Result<()>, failed: &mut Option<Error>) {
    if let Err(error) = result {
        *failed = Some(error);
    }
}

/// Lets others in between two chunks.
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
