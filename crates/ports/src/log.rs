//! The log: the one truth about messages.

use async_trait::async_trait;
use bytes::Bytes;
use protocol::{ClientId, ConversationId, Event, Position, Timestamp, Username};

use crate::Result;

/// Something to be appended to a conversation.
#[derive(Clone, Debug)]
pub struct Append {
    /// The conversation.
    pub conversation: ConversationId,
    /// Who does it.
    pub from: Username,
    /// The client's id: with `from` and the conversation it names the request, for 24 hours or the sender's next 1,000 events there.
    pub id: ClientId,
    /// A digest of what the client asked for, so that the same id with another body is told apart.
    pub digest: u64,
    /// What it does beyond being appended.
    pub operation: Operation,
    /// The event's encoded [`protocol::EventBody`].
    pub body: Bytes,
    /// The body's `sent_at`.
    pub at: Timestamp,
}

/// What an event does to what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new message.
    Message,
    /// The author gives a message another text: later readers find it changed.
    Edit {
        /// The message.
        target: u64,
        /// The text.
        text: String,
    },
    /// The author, or an admin, takes a message back: later readers find no text, in it or in the events that edited it, and no reactions.
    Delete {
        /// The message.
        target: u64,
    },
    /// A member puts an emoji on a message or takes it off.
    React {
        /// The message.
        target: u64,
        /// The emoji.
        emoji: String,
        /// Whether it is put on.
        active: bool,
    },
}

/// What became of an append. The event is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where the event is.
    pub position: Position,
    /// When the event was taken: of a duplicate, the first time.
    pub sent_at: Timestamp,
    /// Whether it was there already.
    pub duplicate: bool,
    /// The conversation's version at that moment: whoever has cached an older one reads the members anew.
    pub version: u64,
}

/// A reaction on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The message.
    pub target: u64,
    /// The emoji.
    pub emoji: String,
    /// Who put it on.
    pub username: Username,
}

/// The conversations' logs.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends an event, in one atomic step with what it does: the check that `from` is a member and the conversation not blocked, the
    /// recognition of a repeated id, the next number, the sender's read mark, and the entry in the [`crate::Outbox`] for the other members (of messages only).
    ///
    /// Appends are queued in the order of the calls, before the future is first polled: a sender's events keep their order. When it gives
    /// `Ok`, the event is durable and [`Log::events`] shows it. `Unavailable` means in doubt: repeat it with the same id.
    ///
    /// # Errors
    /// `ConversationNotFound` if `from` is no member, `NotAllowed` (blocked, not the author, a group of which only admins …),
    /// `MessageNotFound` (no such target, or deleted), `IdConflict`, `LimitReached` (100 different emojis on a message), `Unavailable`.
    fn append(&self, append: Append) -> futures_core::future::BoxFuture<'static, Result<Appended>>;

    /// Gives events after the number `after`, at most `limit`, in order. Edited messages come with their last text, deleted ones without.
    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>>;

    /// Gives the last events before the number `before` (`None`: the newest), at most `limit`, in order.
    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>>;

    /// Gives one event.
    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>>;

    /// Gives where the logs end: 0-0 for an empty or unknown one.
    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>>;

    /// Gives the reactions on messages from number `from` to number `to`, both included, in order of message and time.
    async fn reactions(&self, conversation: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>>;

    /// Gives the conversation's messages whose text contains `query` in any case, the newest first, before `before`, at most `limit`;
    /// reads at most `budget` events for it, and gives the number of the last one read (0: the log's begin was reached).
    async fn search(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)>;
}
