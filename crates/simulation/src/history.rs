//! What happened, as seen from outside: by the people, and by the store that is the truth. The checker knows nothing else.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::chat::{Receipt, Resumed};
use protocol::presence::Status;
use protocol::{ClientId, ConversationId, EventKind, Position, Username};
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

/// A device of a person, on which one `/chat` socket is open at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u16);

/// A connection of a device, numbered over the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// A call over HTTP, numbered over the whole world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// Something that happened, and when, in virtual milliseconds since the start.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: u64,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A person has a device from now on.
    Device {
        /// The device.
        device: DeviceId,
        /// Whose.
        user: Username,
    },
    /// A connection's `welcome` came.
    Opened {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The shard that says it serves.
        shard: String,
        /// Its table's epoch.
        epoch: u64,
    },
    /// A connection ended, or its device gave it up.
    Closed {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// How.
        how: Ending,
    },
    /// A device sent a request that changes a conversation: each time that it sends it.
    Asked {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The request's id.
        id: ClientId,
        /// Where.
        to: To,
        /// What.
        request: Request,
    },
    /// An `ack` came.
    Acked {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The request's id.
        id: ClientId,
        /// The conversation.
        conversation: ConversationId,
        /// The place.
        position: Position,
        /// Whether it was there already.
        duplicate: bool,
    },
    /// An `error` came.
    Refused {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The request's id, if it was of a request.
        id: Option<ClientId>,
        /// The code.
        code: String,
    },
    /// An event of a conversation came.
    Shown {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The conversation.
        conversation: ConversationId,
        /// The place.
        position: Position,
        /// What it says.
        event: ShownEvent,
    },
    /// A `resume` was sent.
    ResumeAsked {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The cursors in it.
        cursors: BTreeMap<ConversationId, Position>,
    },
    /// `resumed` came.
    Resumed {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// What it says.
        conversations: BTreeMap<ConversationId, Resumed>,
    },
    /// A page of history came, over either way: the messages of a range, in order.
    Paged {
        /// The device.
        device: DeviceId,
        /// The conversation.
        conversation: ConversationId,
        /// After which number was asked.
        after: u64,
        /// The messages: other kinds of events are in between.
        messages: Vec<(Position, ShownEvent)>,
        /// Whether there are more.
        more: bool,
    },
    /// A `receipt` came.
    ReceiptShown {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// What it says.
        receipt: Receipt,
    },
    /// A `typing` came.
    TypingShown {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The conversation.
        conversation: ConversationId,
        /// Who.
        user: Username,
        /// Whether it goes on.
        active: bool,
    },
    /// A `conversation` frame came.
    ConversationShown {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// The conversation.
        conversation: ConversationId,
        /// The members in it.
        members: Vec<Username>,
        /// Whether it says that the user is no member any more.
        left: bool,
    },
    /// A device said how far its user has read.
    Read {
        /// The device.
        device: DeviceId,
        /// The conversation.
        conversation: ConversationId,
        /// The number.
        seq: u64,
    },
    /// A person made a call over HTTP.
    Called {
        /// The call.
        call: CallId,
        /// Who.
        user: Username,
        /// What for.
        what: Call,
    },
    /// It was answered, or given up.
    Answered {
        /// The call.
        call: CallId,
        /// How.
        answer: Answer,
    },
    /// A `/presence` connection's `welcome` came.
    PresenceOpened {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
    },
    /// It ended, or its device gave it up.
    PresenceClosed {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// How.
        how: Ending,
    },
    /// A person chose a status.
    StatusChosen {
        /// The device.
        device: DeviceId,
        /// The status.
        status: Status,
    },
    /// How somebody is came on `/presence`, by itself or in a snapshot.
    PresenceShown {
        /// The device.
        device: DeviceId,
        /// The connection.
        connection: ConnectionId,
        /// Who.
        user: Username,
        /// How.
        status: Status,
    },
    /// A push provider was given a note for a device.
    Pushed {
        /// The user.
        user: Username,
        /// The push device's id.
        device: String,
        /// The conversation that it is about.
        conversation: ConversationId,
        /// The message that it is about.
        seq: u64,
    },
    /// The store took an event: from now on it is durable.
    Committed {
        /// The conversation.
        conversation: ConversationId,
        /// The place.
        position: Position,
        /// Who.
        from: Username,
        /// The request's id.
        id: ClientId,
        /// The kind.
        kind: EventKind,
        /// Whether it is in the outbox.
        outbox: bool,
    },
    /// The store changed who is in a conversation, or whether it is blocked.
    Members {
        /// The conversation.
        conversation: ConversationId,
        /// Its version from now on.
        version: u64,
        /// The members from now on, each with the number of the last event when they joined.
        members: Vec<(Username, u64)>,
        /// Whether nobody writes into it.
        blocked: bool,
    },
    /// The store changed who may see whose presence.
    Visible {
        /// The one.
        one: Username,
        /// The other.
        other: Username,
        /// Whether they may from now on.
        visible: bool,
    },
    /// The store moved a member's marks.
    Marked {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: Username,
        /// How far it was read.
        read: u64,
        /// How far it was delivered.
        delivered: u64,
    },
    /// The store took a presence record.
    Recorded {
        /// Who.
        user: Username,
        /// The epoch of the writer.
        epoch: u64,
        /// The status.
        status: Status,
        /// Whether a device is connected.
        connected: bool,
    },
    /// The store took a placement table.
    Published {
        /// Its epoch.
        epoch: u64,
        /// The process that wrote it.
        by: String,
    },
    /// The store came back without these events, which it had taken.
    LostTail {
        /// What is gone.
        lost: Vec<(ConversationId, Position)>,
    },
    /// A fault began.
    Fault(String),
    /// A fault ended.
    Healed(String),
    /// From now on there are no faults, and nobody does anything new: everything has to converge.
    Quiet,
    /// The end.
    End,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To a user, in the direct conversation.
    User(Username),
    /// Into a conversation.
    Conversation(ConversationId),
}

/// A request that changes a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A message.
    Message {
        /// Its text, which nothing else has.
        text: String,
    },
    /// Another text.
    Edit {
        /// The message.
        seq: u64,
        /// The text.
        text: String,
    },
    /// It is taken back.
    Delete {
        /// The message.
        seq: u64,
    },
    /// An emoji is put on, or taken off.
    React {
        /// The message.
        seq: u64,
        /// The emoji.
        emoji: String,
        /// Whether it is put on.
        active: bool,
    },
}

/// What an event that came says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownEvent {
    /// The kind.
    pub kind: EventKind,
    /// Who did it.
    pub from: Username,
    /// The request's id.
    pub id: ClientId,
    /// The text, if there is one.
    pub text: Option<String>,
    /// The message that it concerns.
    pub target: Option<u64>,
    /// Whether it is a message that was taken back.
    pub deleted: bool,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The server closed it with a code.
    Code(u16),
    /// It broke.
    Broken,
    /// The device closed it in good order.
    Left,
    /// The device vanished without a word: the server does not know.
    Vanished,
}

/// A call over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Makes a group.
    CreateGroup {
        /// The others.
        members: Vec<Username>,
    },
    /// Adds a member.
    AddMember {
        /// The group.
        conversation: ConversationId,
        /// Whom.
        member: Username,
    },
    /// Removes a member; oneself: leaves.
    RemoveMember {
        /// The group.
        conversation: ConversationId,
        /// Whom.
        member: Username,
    },
    /// Mutes a conversation, or unmutes it.
    Mute {
        /// The conversation.
        conversation: ConversationId,
        /// Whether to mute.
        muted: bool,
    },
    /// Adds a contact.
    AddContact {
        /// Whom.
        contact: Username,
    },
    /// Removes a contact.
    RemoveContact {
        /// Whom.
        contact: Username,
    },
    /// Blocks somebody.
    Block {
        /// Whom.
        user: Username,
    },
    /// Lifts a block.
    Unblock {
        /// Whom.
        user: Username,
    },
    /// Registers a device for pushes.
    PutDevice {
        /// Its id.
        id: String,
    },
    /// Ends the login of a device.
    LogOut {
        /// The device.
        device: DeviceId,
    },
}

/// How a call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; of a new group its id.
    Done(Option<ConversationId>),
    /// Refused with a code: not done.
    Refused(String),
    /// Nobody knows: no answer came, or one of the 5xx.
    Unknown,
}

/// The history of a world. Clones write into the same.
#[derive(Clone, Debug, Default)]
pub struct History(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    start: Option<Instant>,
    moments: Vec<Moment>,
}

impl History {
    /// Begins a history: its first moment is now.
    pub fn begin() -> Self {
        Self(Arc::new(Mutex::new(Kept { start: Some(Instant::now()), moments: Vec::new() })))
    }

    /// Gives the virtual time in milliseconds.
    pub fn now(&self) -> u64 {
        let start = self.0.lock().start;
        start.map_or(0, |start| u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Takes note of what happened now.
    pub fn note(&self, what: Happened) {
        let at = self.now();
        self.0.lock().moments.push(Moment { at, what });
    }

    /// Gives everything, and leaves nothing.
    pub fn take(&self) -> Vec<Moment> {
        std::mem::take(&mut self.0.lock().moments)
    }
}

/// Gives a hash of a history: the same seed gives the same.
pub fn hash(moments: &[Moment]) -> u64 {
    let mut hasher = Xxh3::new();
    for moment in moments {
        hasher.update(format!("{} {:?}", moment.at, moment.what).as_bytes());
    }
    hasher.finish()
}
