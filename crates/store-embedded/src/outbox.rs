//! The outbox: an entry is written with its message, and deleted once it is dealt with.

use async_trait::async_trait;
use ports::{Append, Error, Outbox, OutboxEntry, OutboxPosition, Result};
use protocol::ConversationId;
use tokio::sync::watch;

use crate::EmbeddedStore;
use crate::engine::{Direction, View};
use crate::keys::{KeyRange, Table};
use crate::packing::{Packer, Parts};
use crate::writer::Transaction;

/// How many partitions there are; it is part of the format on the disk.
const PARTITIONS: usize = 8;

/// The last position of each partition.
pub(crate) type Positions = [OutboxPosition; PARTITIONS];

/// Where the writer says how far each partition goes.
pub(crate) struct OutboxSenders([watch::Sender<OutboxPosition>; PARTITIONS]);

/// Where readers learn it.
pub(crate) struct OutboxReceivers([watch::Receiver<OutboxPosition>; PARTITIONS]);

#[async_trait]
impl Outbox for EmbeddedStore {
    fn partitions(&self) -> u16 {
        PARTITIONS as u16
    }

    async fn pending(&self, partition: u16, after: OutboxPosition, limit: usize) -> Result<Vec<OutboxEntry>> {
        let mut end = self.outbox.of(partition)?;
        loop {
            let cursor = self.read(|view| cursor(view, partition))?.max(after);
            if end.wait_for(|end| *end > cursor).await.is_err() {
                return Err(Error::Unavailable("the store is closed".to_owned()));
            }
            let range = range(partition).after(key(partition, cursor));
            let limit = limit.max(1);
            let read = move |view: &dyn View| view.read(&range, Direction::Forward, limit, read_entry);
            let entries = self.read_about(limit, read).await?;
            // None if another worker has dealt with them meanwhile.
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    async fn dealt_with(&self, partition: u16, position: OutboxPosition) -> Result<()> {
        self.outbox.of(partition)?;
        self.write(move |context| {
            let last = context.memory.outbox.get(usize::from(partition)).copied().unwrap_or(0);
            let (before, after) = (cursor(context.view(), partition)?, position.min(last));
            if after <= before {
                return Ok(());
            }
            let range =
                range(partition).after(key(partition, before)).ending_before(key(partition, after + 1));
            for key in context.view().keys(&range, usize::MAX)? {
                context.delete(key);
            }
            context.put(cursor_key(partition), after.to_be_bytes().to_vec());
            Ok(())
        })
        .await
    }
}

impl OutboxSenders {
    /// Tells those who wait how far the partitions go, now that it is committed.
    pub(crate) fn committed(&self, positions: &Positions) {
        for (sender, position) in self.0.iter().zip(positions) {
            sender.send_if_modified(|end| std::mem::replace(end, *position) != *position);
        }
    }
}

impl OutboxReceivers {
    fn of(&self, partition: u16) -> Result<watch::Receiver<OutboxPosition>> {
        let receiver = self.0.get(usize::from(partition)).cloned();
        receiver.ok_or_else(|| Error::Unavailable("there is no such partition of the outbox".to_owned()))
    }
}

/// Connects the writer with the readers, who begin with `positions`.
pub(crate) fn channels(positions: &Positions) -> (OutboxSenders, OutboxReceivers) {
    let senders = positions.map(watch::Sender::new);
    let receivers = senders.each_ref().map(watch::Sender::subscribe);
    (OutboxSenders(senders), OutboxReceivers(receivers))
}

/// Gives the last position of each partition.
pub(crate) fn last_positions(view: &dyn View) -> Result<Positions> {
    let mut positions = Positions::default();
    for (partition, last) in (0..).zip(&mut positions) {
        let entries = view.read(&range(partition), Direction::Backward, 1, read_entry)?;
        *last = entries.first().map_or(0, |entry| entry.position).max(cursor(view, partition)?);
    }
    Ok(positions)
}

/// Writes the entry of a message.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    positions: &mut Positions,
    append: &Append,
    seq: u64,
    version: u64,
) {
    let partition = partition_of(append.conversation);
    let Some(last) = positions.get_mut(usize::from(partition)) else { return };
    *last += 1;
    let value =
        Packer::with_capacity(64).id(&append.conversation.0).number(seq).number(append.at.0).number(version);
    transaction.put(key(partition, *last), value.rest(append.from.as_str()).bytes());
}

/// Gives a conversation's partition: identifiers are random, so that their last byte spreads them evenly.
fn partition_of(ConversationId(id): ConversationId) -> u16 {
    u16::from(id[15]) % PARTITIONS as u16
}

fn read_entry(key: &[u8], value: &[u8]) -> Result<OutboxEntry> {
    let mut parts = Parts::of(key);
    parts.byte()?;
    parts.byte()?;
    let position = parts.number()?;
    let mut parts = Parts::of(value);
    let (conversation, seq, at) = (parts.conversation()?, parts.number()?, parts.time()?);
    let version = parts.number()?;
    Ok(OutboxEntry { position, conversation, seq, from: parts.last_name()?, at, version })
}

fn cursor(view: &dyn View, partition: u16) -> Result<OutboxPosition> {
    match view.get(&cursor_key(partition))? {
        Some(cursor) => Parts::of(&cursor).number(),
        None => Ok(0),
    }
}

fn range(partition: u16) -> KeyRange {
    partition_key(Table::Outbox, partition).range()
}

fn key(partition: u16, position: OutboxPosition) -> Vec<u8> {
    partition_key(Table::Outbox, partition).number(position).bytes()
}

fn cursor_key(partition: u16) -> Vec<u8> {
    partition_key(Table::OutboxCursor, partition).bytes()
}

/// Partitions are fewer than 256.
fn partition_key(table: Table, partition: u16) -> Packer {
    table.key().byte(partition.to_be_bytes()[1])
}
