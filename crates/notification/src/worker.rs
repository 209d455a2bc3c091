//! Working off one partition of the outbox.

use std::sync::Arc;
use std::time::Duration;

use ports::{Conversation, Device, Note, OutboxEntry, Outcome, PushSender, Result};
use protocol::{EventBody, Username};

use crate::note::note_of;
use crate::role::Shared;

/// How many entries are read at once.
const BATCH: usize = 512;
/// How long to wait when the store cannot be reached.
const PAUSE: Duration = Duration::from_millis(500);

impl Shared {
    /// Works off a partition, for ever.
    pub(crate) async fn work(self: Arc<Self>, partition: u16) {
        loop {
            if let Err(error) = self.work_batch(partition).await {
                // The cursor has not moved past what was not dealt with.
                tracing::warn!(%error, partition, "cannot work off the outbox");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn work_batch(&self, partition: u16) -> Result<()> {
        let entries = self.outbox.pending(partition, BATCH).await?;
        if entries.len() < BATCH {
            // A push may wait this long, and most messages are read at once by whoever is there: the next batch is worth its reads.
            tokio::time::sleep(self.options.gather).await;
        }
        let Some(last) = entries.last().map(|entry| entry.position) else { return Ok(()) };
        for entry in &entries {
            self.metrics.entries.inc();
            self.tell(entry).await?;
        }
        self.outbox.dealt_with(partition, last).await
    }

    async fn tell(&self, entry: &OutboxEntry) -> Result<()> {
        let Some(conversation) = self.conversation(entry).await? else { return Ok(()) };
        let audience = self.audience(entry, &conversation).await?;
        if audience.is_empty() || conversation.blocked {
            return Ok(());
        }
        let Some(event) = self.log.event(entry.conversation, entry.seq).await? else { return Ok(()) };
        let Ok(body) = EventBody::decode(&event.body) else { return Ok(()) };
        if body.deleted {
            return Ok(());
        }
        let note = note_of(entry, &conversation, &body, self.options.ttl_seconds);
        for user in audience {
            self.send(&user, &note).await?;
        }
        Ok(())
    }

    /// Gives the conversation of an entry as it was then, or later.
    async fn conversation(&self, entry: &OutboxEntry) -> Result<Option<Arc<Conversation>>> {
        let known = self.conversations.lock().get(&entry.conversation).cloned();
        if let Some(known) = known.filter(|known| known.version >= entry.version) {
            return Ok(Some(known));
        }
        let read = self.store.conversation(entry.conversation).await?.map(Arc::new);
        if let Some(read) = &read {
            self.conversations.lock().put(entry.conversation, read.clone());
        }
        Ok(read)
    }

    /// Sends a note to a user's devices, and says how many took it; devices that are gone for good are forgotten.
    pub(crate) async fn send(&self, user: &Username, note: &Note) -> Result<usize> {
        let mut sent = 0;
        for device in self.store.devices(user).await? {
            let Some(sender) = self.senders.get(device.channel.as_str()) else { continue };
            match self.try_often(&**sender, &device, note).await {
                Outcome::Sent => sent += 1,
                Outcome::Gone => self.store.delete_device(user, &device.id).await?,
                Outcome::Refused | Outcome::Retry { .. } => {}
            }
        }
        Ok(sent)
    }

    async fn try_often(&self, sender: &dyn PushSender, device: &Device, note: &Note) -> Outcome {
        let mut backoff = self.options.backoff;
        for attempt in 1.. {
            let outcome = sender.send(device, note).await;
            self.metrics.pushed(sender.channel(), &outcome);
            let Outcome::Retry { after } = outcome else { return outcome };
            if attempt >= self.options.attempts {
                tracing::warn!(channel = sender.channel(), note = note.id, "a push was given up");
                return outcome;
            }
            let jitter = self.entropy.below(u64::try_from(backoff.as_millis()).unwrap_or(u64::MAX));
            tokio::time::sleep(after.max(Duration::from_millis(jitter))).await;
            backoff *= 2;
        }
        Outcome::Refused
    }
}
