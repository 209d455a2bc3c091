//! What the store holds, as one value that can be copied at little cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use ports::{
    Account, Conversation, ConversationMember, Device, Document, Login, Membership, OutboxEntry,
    OutboxPosition, PresenceRecord, Remembered,
};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ClientId, ConversationId, Event, EventKind, LoginId, Position, Timestamp, Username};

use super::map::Map;
use super::partition::Placed;

/// Everything that can be lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// The accounts; nothing in the place of one that was deleted.
    pub(super) accounts: Map<Username, Option<Account>>,
    /// What else a user has.
    pub(super) people: Map<Username, Person>,
    /// The logins that have not ended.
    pub(super) logins: Map<LoginId, Login>,
    /// The logins that have ended, and whose they were.
    pub(super) ended_logins: Map<(Timestamp, LoginId), Username>,
    /// The tickets that were used.
    pub(super) tickets: Map<[u8; 16], ()>,
    /// The conversations.
    pub(super) conversations: Map<ConversationId, StoredConversation>,
    /// The presences.
    pub(super) presences: Map<Username, PresenceRecord>,
    /// The documents.
    pub(super) documents: Map<String, Document>,
    /// The answers that are remembered.
    pub(super) remembered: Map<Vec<u8>, Remembered>,
    /// The outbox, by its partitions and the positions in them: what has not been dealt with.
    pub(super) outbox: Map<(u16, OutboxPosition), OutboxEntry>,
    /// Up to where each partition of the outbox is dealt with.
    pub(super) outbox_cursors: Map<u16, OutboxPosition>,
}

/// What a user has besides the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// Whom the user added, and when.
    pub(super) contacts: BTreeMap<Username, Timestamp>,
    /// Whom the user blocks, and since when.
    pub(super) blocks: BTreeMap<Username, Timestamp>,
    /// Where the user's pushes go.
    pub(super) devices: BTreeMap<String, Device>,
}

/// A conversation with its log.
#[derive(Clone, Debug)]
pub(super) struct StoredConversation {
    /// Direct or a group.
    pub(super) kind: ConversationKind,
    /// A group's title.
    pub(super) title: Option<String>,
    /// When it was made.
    pub(super) created_at: Timestamp,
    /// Grows with changes of title, members and blocks.
    pub(super) version: u64,
    /// Whether nobody may write.
    pub(super) blocked: bool,
    /// The members.
    pub(super) members: BTreeMap<Username, StoredMember>,
    /// The events: that of seq `n` is at index `n - 1`.
    pub(super) log: Vec<Arc<StoredEvent>>,
    /// Message, user and emoji of each reaction, and the seq of the event that put it on.
    pub(super) reactions: BTreeMap<(u64, Username, String), u64>,
}

/// A member of a conversation, and what the member has of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredMember {
    /// What the user may do.
    pub(super) role: Role,
    /// The seq of the last event when the user joined.
    pub(super) joined_at_seq: u64,
    /// Whether the user wants no notifications.
    pub(super) muted: bool,
    /// How far the user has read.
    pub(super) read: u64,
    /// How far it was delivered.
    pub(super) delivered: u64,
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct StoredEvent {
    /// Where it is.
    pub(super) position: Position,
    /// When it was appended.
    pub(super) at: Timestamp,
    /// What it is.
    pub(super) kind: EventKind,
    /// Who did it.
    pub(super) from: Username,
    /// The client's id of the request.
    pub(super) id: ClientId,
    /// What tells another request of the same id apart.
    pub(super) digest: u64,
    /// The message that it concerns.
    pub(super) target: Option<u64>,
    /// The body with which it was appended.
    pub(super) first: Bytes,
    /// The body as it is now.
    pub(super) body: Bytes,
}

impl Data {
    /// Lets a partition be as it was.
    pub(super) fn restore(&mut self, partition: usize, then: &Self) {
        let is_lost = |key: &dyn Placed| key.partition() == partition;
        self.accounts.restore(&then.accounts, |name, _| is_lost(name));
        self.people.restore(&then.people, |name, _| is_lost(name));
        self.logins.restore(&then.logins, |id, _| is_lost(id));
        self.ended_logins.restore(&then.ended_logins, |(_, id), _| is_lost(id));
        self.tickets.restore(&then.tickets, |ticket, ()| ticket.as_slice().partition() == partition);
        self.conversations.restore(&then.conversations, |id, _| is_lost(id));
        self.presences.restore(&then.presences, |name, _| is_lost(name));
        self.documents.restore(&then.documents, |name, _| name.as_str().partition() == partition);
        self.remembered.restore(&then.remembered, |key, _| key.as_slice().partition() == partition);
        // An entry goes with its message, whose conversation shares the outbox's partition with others.
        self.outbox.restore(&then.outbox, |_, entry| is_lost(&entry.conversation));
        self.outbox_cursors.restore(&then.outbox_cursors, |outbox, _| usize::from(*outbox) == partition);
    }
}

impl StoredConversation {
    /// Gives the conversation as others see it.
    pub(super) fn record(&self, id: ConversationId) -> Conversation {
        let member = |(username, member): (&Username, &StoredMember)| ConversationMember {
            username: username.clone(),
            role: member.role,
            joined_at_seq: member.joined_at_seq,
        };
        Conversation {
            id,
            kind: self.kind,
            title: self.title.clone(),
            created_at: self.created_at,
            version: self.version,
            members: self.members.iter().map(member).collect(),
            blocked: self.blocked,
        }
    }

    /// Gives what a user has of it.
    pub(super) fn membership(&self, id: ConversationId, username: &Username) -> Option<Membership> {
        let StoredMember { muted, read, delivered, .. } = *self.members.get(username)?;
        let active_at = self.log.last().map_or(self.created_at, |event| event.at);
        Some(Membership { conversation: id, muted, read, delivered, active_at })
    }

    /// Gives where its log ends.
    pub(super) fn end(&self) -> Position {
        self.log.last().map_or_else(Position::default, |event| event.position)
    }

    /// Gives an event.
    pub(super) fn event(&self, seq: u64) -> Option<&StoredEvent> {
        self.log.get(index_after(seq.checked_sub(1)?)).map(|event| &**event)
    }

    /// Gives the events after a seq.
    pub(super) fn events_after(&self, seq: u64) -> &[Arc<StoredEvent>] {
        self.log.get(index_after(seq)..).unwrap_or_default()
    }

    /// Gives the events before a seq, or all.
    pub(super) fn events_before(&self, seq: Option<u64>) -> &[Arc<StoredEvent>] {
        let end = seq.map_or(usize::MAX, |seq| index_after(seq.saturating_sub(1)));
        self.log.get(..end).unwrap_or(&self.log)
    }
}

impl StoredMember {
    /// Makes one who joins when the log ends at `seq`.
    pub(super) fn joining(role: Role, seq: u64) -> Self {
        Self { role, joined_at_seq: seq, muted: false, read: seq, delivered: seq }
    }
}

impl StoredEvent {
    /// Gives the event as readers see it now.
    pub(super) fn event(&self, conversation: ConversationId) -> Event {
        Event { conversation, position: self.position, body: self.body.clone() }
    }
}

/// Gives the index of the event that follows one of a log.
fn index_after(seq: u64) -> usize {
    usize::try_from(seq).unwrap_or(usize::MAX)
}
