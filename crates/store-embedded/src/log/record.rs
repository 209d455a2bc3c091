//! A stored event: a short header, then the body as it was given.

use bytes::Bytes;
use ports::{Error, Result};
use protocol::{ConversationId, Event, EventBody, Position, Timestamp};

use crate::engine::View;
use crate::keys::{KeyRange, Table};
use crate::packing::{Packer, Parts, unreadable};

/// Whether a stored event is a message: what edits, deletions, reactions and searches are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Something else.
    Other = 0,
    /// A message.
    Message = 1,
}

/// A stored event, taken apart.
pub(crate) struct Record<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its generation.
    pub(crate) generation: u64,
    /// When it was appended.
    pub(crate) at: Timestamp,
    /// The encoded [`EventBody`].
    pub(crate) body: &'a [u8],
}

/// The header's length in bytes.
const HEADER: usize = 17;

impl<'a> Record<'a> {
    /// Takes a stored event apart.
    pub(crate) fn of(value: &'a [u8]) -> Result<Self> {
        let mut parts = Parts::of(value);
        let kind = match parts.byte()? {
            0 => Kind::Other,
            1 => Kind::Message,
            _ => return Err(unreadable()),
        };
        Ok(Self { kind, generation: parts.number()?, at: parts.time()?, body: parts.rest() })
    }

    /// Gives what is stored.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let header = Packer::with_capacity(HEADER + self.body.len()).byte(self.kind as u8);
        header.number(self.generation).number(self.at.0).rest(self.body).bytes()
    }

    /// Gives the same event with another body.
    pub(crate) fn with_body(&self, body: &EventBody) -> Vec<u8> {
        Record { body: &body.encode(), ..*self }.bytes()
    }

    /// Decodes the body.
    pub(crate) fn decode(&self) -> Result<EventBody> {
        EventBody::decode(self.body).map_err(|error| Error::Corrupt(error.to_string()))
    }
}

/// Gives an event's key.
pub(crate) fn key(conversation: ConversationId, seq: u64) -> Vec<u8> {
    Table::Event.key().id(&conversation.0).number(seq).bytes()
}

/// Gives the range of a conversation's events.
pub(crate) fn range(conversation: ConversationId) -> KeyRange {
    Table::Event.key().id(&conversation.0).range()
}

/// Gives an event's number from its key.
pub(crate) fn seq(key: &[u8]) -> Result<u64> {
    let mut parts = Parts::of(key);
    parts.byte()?;
    parts.id()?;
    parts.number()
}

/// Reads an event.
pub(crate) fn event(conversation: ConversationId, seq: u64, value: &[u8]) -> Result<Event> {
    let record = Record::of(value)?;
    let position = Position { r#gen: record.generation, seq };
    Ok(Event { conversation, position, body: Bytes::copy_from_slice(record.body) })
}

/// Gives a stored event.
pub(crate) fn stored(view: &dyn View, conversation: ConversationId, seq: u64) -> Result<Option<Bytes>> {
    view.get(&key(conversation, seq))
}
