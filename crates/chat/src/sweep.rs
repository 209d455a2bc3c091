//! Finding what lost hints would have told: by comparing what was shown with the log, and what is known with the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ports::Result;
use protocol::{CloseCode, ConversationId, Timestamp, Username};

use crate::shard::Shared;

/// How many conversations or users are asked for at once.
const CHUNK: usize = 256;
/// After how many sweeps of the logs the users' conversations are compared as well.
const USERS_EVERY: u32 = 4;
/// How far back ended logins are asked for: clocks differ, and one asked for twice costs nothing.
const OVERLAP: u64 = 30_000;

impl Shared {
    /// Sweeps, for ever.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut since = self.clock.now();
        for round in 1_u32.. {
            tokio::time::sleep(self.options.sweep_every).await;
            if let Err(error) = self.sweep_once(round, &mut since).await {
                self.metrics.sweep_errors.inc();
                tracing::warn!(%error, "cannot sweep");
            }
        }
    }

    async fn sweep_once(&self, round: u32, since: &mut Timestamp) -> Result<()> {
        self.sweep_logs().await?;
        if round.is_multiple_of(USERS_EVERY) {
            self.sweep_users().await?;
        }
        let now = self.clock.now();
        for ended in self.store.ended_logins(Timestamp(since.0.saturating_sub(OVERLAP))).await? {
            for connection in self.clients.of_login(&ended.username, ended.id) {
                connection.end(CloseCode::Unauthenticated, "logged out");
            }
        }
        *since = now;
        Ok(())
    }

    /// Reads the logs that were ahead of what was shown in two sweeps: what is between them is no longer on its way.
    async fn sweep_logs(&self) -> Result<()> {
        for chunk in self.conversations.all().chunks(CHUNK) {
            let ids: Vec<ConversationId> = chunk.iter().map(|local| local.id).collect();
            let ends = self.log.ends(&ids).await?;
            for (local, end) in chunk.iter().zip(ends) {
                let missed = {
                    let mut state = local.state.lock();
                    let reached = state.sequencer.reached();
                    let missed = state.behind.is_some_and(|behind| behind > reached);
                    state.behind = (end > reached).then_some(end);
                    missed
                };
                if missed {
                    self.metrics.swept.inc();
                    self.read_on(local).await?;
                }
            }
            breathe().await;
        }
        Ok(())
    }

    /// Reads anew the conversations of users who have joined or left one.
    async fn sweep_users(&self) -> Result<()> {
        for chunk in self.clients.all().chunks(CHUNK) {
            let names: Vec<Username> = chunk.iter().map(|user| user.name.clone()).collect();
            let versions = self.store.membership_versions(&names).await?;
            for (user, version) in chunk.iter().zip(versions) {
                if user.ready.initialized() && user.membership_version.load(Ordering::Relaxed) != version {
                    self.refresh(user).await?;
                }
            }
            breathe().await;
        }
        Ok(())
    }
}

/// Lets others in between two chunks.
async fn breathe() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
