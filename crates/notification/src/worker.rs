//! Working off one partition of the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ports::{OutboxEntry, OutboxPosition, Result};
use protocol::Username;
use tokio::time::{Instant, sleep, sleep_until};

use crate::note::note_of;
use crate::role::Shared;
use crate::waiting::Waiting;

/// How many entries are read at once.
const BATCH: usize = 512;
/// How many users are asked for at once.
const ASKED: usize = 1000;
/// How long to wait when the store cannot be reached.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is asked for those who are connected whether they still are.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many may wait for that; beyond, nothing more is read from the outbox, which keeps it.
const MAX_WAITING: usize = 200_000;

/// How far a partition was worked off.
struct Work {
    partition: u16,
    /// How far it was read.
    read: OutboxPosition,
    /// The durable cursor, as far as this worker has moved it.
    dealt_with: OutboxPosition,
    waiting: Waiting,
    /// When those who wait are looked at again.
    look_at: Instant,
}

impl Shared {
    /// Works off a partition, for ever.
    pub(crate) async fn work(self: Arc<Self>, partition: u16) {
        let waiting = Waiting::default();
        let mut work = Work { partition, read: 0, dealt_with: 0, waiting, look_at: Instant::now() };
        loop {
            if let Err(error) = self.step(&mut work).await {
                // The cursor has not moved past what was not dealt with.
                tracing::warn!(%error, partition, "cannot work off the outbox");
                sleep(PAUSE).await;
            }
        }
    }

    async fn step(&self, work: &mut Work) -> Result<()> {
        let more = self.outbox.pending(work.partition, work.read, BATCH);
        tokio::select! {
            biased;
            () = sleep_until(work.look_at), if !work.waiting.is_empty() => {
                work.look_at = Instant::now() + LOOK_EVERY;
                self.look_again(&mut work.waiting).await?;
            }
            entries = more, if work.waiting.len() < MAX_WAITING => {
                let entries = entries?;
                if entries.len() < BATCH {
                    // A push may wait this long, and most messages are read at once by whoever is there: the next batch is worth its reads.
                    sleep(self.options.gather).await;
                }
                let begun = work.waiting.is_empty();
                self.tell(&entries, &mut work.waiting).await?;
                if begun {
                    work.look_at = Instant::now() + LOOK_EVERY;
                }
                work.read = entries.last().map_or(work.read, |last| last.position);
            }
        }
        // Some of a batch may wait already of which others could not be told: it has not been read then.
        let waits = work.waiting.oldest().map_or(work.read, |oldest| oldest.saturating_sub(1));
        let until = waits.min(work.read);
        if until > work.dealt_with {
            self.outbox.dealt_with(work.partition, until).await?;
            work.dealt_with = until;
        }
        Ok(())
    }

    /// Tells those of new messages who are away; those who are connected have to prove it.
    async fn tell(&self, entries: &[OutboxEntry], waiting: &mut Waiting) -> Result<()> {
        // Before it is asked who is connected: whoever is heard of after this moment was there.
        let now = Instant::now();
        let mut away: BTreeMap<Username, Vec<&OutboxEntry>> = BTreeMap::new();
        for entry in entries {
            self.metrics.entries.inc();
            for user in self.concerned(entry).await? {
                away.entry(user).or_default().push(entry);
            }
        }
        let users: Vec<Username> = away.keys().cloned().collect();
        for some in users.chunks(ASKED) {
            for user in self.connected.connected(some).await?.into_keys() {
                for entry in away.remove(&user).unwrap_or_default() {
                    waiting.add(user.clone(), entry, now);
                }
            }
        }
        for (user, entries) in away {
            for entry in entries {
                self.tell_one(entry, &user).await?;
            }
        }
        Ok(())
    }

    /// Looks who of those who were connected still is, and tells those who are not.
    async fn look_again(&self, waiting: &mut Waiting) -> Result<()> {
        let now = Instant::now();
        for some in waiting.users().chunks(ASKED) {
            let connected = self.connected.connected(some).await?;
            for user in some {
                match connected.get(user) {
                    Some(silence) => waiting.heard(user, *silence + now.elapsed(), Instant::now()),
                    None => {
                        // Forgotten once they are told: what fails is tried again.
                        for entry in waiting.of(user) {
                            self.tell_one(&entry, user).await?;
                        }
                        waiting.forget(user);
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_one(&self, entry: &OutboxEntry, user: &Username) -> Result<()> {
        let Some(news) = self.news(entry, user).await? else { return Ok(()) };
        let note = note_of(&news, self.options.ttl_seconds);
        self.send(user, &note).await?;
        Ok(())
    }
}
