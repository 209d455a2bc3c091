//! The outbox: an entry comes with its message, and goes once it is dealt with.

use async_trait::async_trait;
use ports::{Append, Error, Outbox, OutboxEntry, OutboxPosition, Result};
use protocol::ConversationId;
use tokio::sync::Notify;

use super::StoreHandle;
use super::partition::Placed;
use super::state::State;
use crate::defect::Defect;

/// How many partitions the outbox has: less than the store, since each has a reader.
pub(super) const OUTBOXES: usize = 4;

/// What wakes those who wait for entries.
#[derive(Debug, Default)]
pub(super) struct Bells([Notify; OUTBOXES]);

#[async_trait]
impl Outbox for StoreHandle {
    fn partitions(&self) -> u16 {
        OUTBOXES as u16
    }

    async fn pending(&self, partition: u16, after: OutboxPosition, limit: usize) -> Result<Vec<OutboxEntry>> {
        let bells = self.store.0.outbox_bells.clone();
        let bell = bells.of(partition).ok_or_else(no_such_partition)?;
        loop {
            // Made before the look: it is woken by what is entered from here on.
            let entered = bell.notified();
            if self.store.0.state.lock().pending(partition, after).next().is_none() {
                entered.await;
                continue;
            }
            let limit = limit.max(1);
            let take = move |state: &mut State| {
                let mut entries: Vec<OutboxEntry> =
                    state.pending(partition, after).take(limit).cloned().collect();
                if state.has(Defect::OutboxCursorAhead)
                    && let Some(last) = entries.last()
                {
                    state.deal_with(partition, last.position)?;
                }
                if state.has(Defect::OutboxEntryMissed) {
                    entries.retain(|entry| entry.seq % 3 != 0);
                }
                Ok(entries)
            };
            let entries = self.call(take).await?;
            // None if another worker has dealt with them meanwhile.
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    async fn dealt_with(&self, partition: u16, position: OutboxPosition) -> Result<()> {
        self.call(move |state| state.deal_with(partition, position)).await
    }
}

impl Bells {
    /// Wakes those who wait at a partition.
    pub(super) fn ring(&self, partition: u16) {
        if let Some(bell) = self.of(partition) {
            bell.notify_waiters();
        }
    }

    /// Wakes everybody.
    pub(super) fn ring_all(&self) {
        self.0.iter().for_each(Notify::notify_waiters);
    }

    fn of(&self, partition: u16) -> Option<&Notify> {
        self.0.get(usize::from(partition))
    }
}

impl State {
    /// Enters a message.
    pub(super) fn enter(&mut self, append: &Append, seq: u64, version: u64) {
        let partition = partition_of(append.conversation);
        let Some(end) = self.outbox_ends.get_mut(usize::from(partition)) else { return };
        *end += 1;
        let entry = OutboxEntry {
            position: *end,
            conversation: append.conversation,
            seq,
            from: append.from.clone(),
            at: append.at,
            version,
        };
        self.change().outbox.put((partition, entry.position), entry);
        self.outbox_bells.ring(partition);
    }

    /// Gives what is not dealt with, of all partitions in order.
    pub(super) fn all_pending(&self) -> impl Iterator<Item = &OutboxEntry> {
        (0..OUTBOXES as u16).flat_map(|partition| self.pending(partition, 0))
    }

    /// Gives what comes after a position and is not dealt with in a partition, in order.
    fn pending(&self, partition: u16, after: OutboxPosition) -> impl Iterator<Item = &OutboxEntry> {
        let start = (partition, self.cursor(partition).max(after));
        let entries = self.data.outbox.after(&start);
        entries.take_while(move |((of, _), _)| *of == partition).map(|(_, entry)| entry)
    }

    fn deal_with(&mut self, partition: u16, position: OutboxPosition) -> Result<()> {
        let end = self.outbox_ends.get(usize::from(partition)).copied().ok_or_else(no_such_partition)?;
        let position = position.min(end);
        if position <= self.cursor(partition) {
            return Ok(());
        }
        let entries = self.pending(partition, 0).map(|entry| entry.position);
        let done: Vec<OutboxPosition> = entries.take_while(|entry| *entry <= position).collect();
        let data = self.change();
        for entry in done {
            data.outbox.remove(&(partition, entry));
        }
        data.outbox_cursors.put(partition, position);
        Ok(())
    }

    fn cursor(&self, partition: u16) -> OutboxPosition {
        self.data.outbox_cursors.get(&partition).copied().unwrap_or(0)
    }
}

/// Gives the partition of a conversation's entries: the cursor of outbox `n` is lost with partition `n` of the store.
fn partition_of(conversation: ConversationId) -> u16 {
    // The remainder is less than four.
    (conversation.partition() % OUTBOXES) as u16
}

fn no_such_partition() -> Error {
    Error::Unavailable("there is no such partition of the outbox".to_owned())
}
