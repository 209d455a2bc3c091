//! What happens on a connection to `/chat`.

use protocol::chat::{NotRecovered, Receipt};
use protocol::conversation::ConversationView;
use protocol::{ConversationId, EventBody, EventKind, LoginId, Position, Shard, Username};

use crate::Problem;
use crate::core::{Delivery, End, Loss};

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChatEvent {
    /// The connection stands, for the first time or again.
    Connected {
        /// The login that it belongs to.
        session: LoginId,
        /// The shard that serves.
        shard: Shard,
        /// The placement table's epoch.
        epoch: u64,
    },
    /// The connection is lost, or an attempt to make it has failed; another is under way.
    Disconnected(Loss),
    /// The connection has ended for good; this is the last event.
    Ended(End),
    /// Somebody wrote something; the user's own messages come as well, from this connection too.
    Message(Box<Logged>),
    /// The author changed the text of an earlier message.
    Edited(Box<Logged>),
    /// An earlier message was taken back.
    Deleted(Box<Logged>),
    /// Somebody put an emoji on an earlier message, or took it off.
    Reacted(Box<Logged>),
    /// Events of a conversation are missing and will not come.
    Gap(Gap),
    /// What was missed before the connection stood has been delivered.
    Resumed,
    /// How far a member has received and read.
    Receipt(Receipt),
    /// A member types, or has stopped.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: Username,
        /// Whether typing goes on.
        active: bool,
    },
    /// A conversation was made, renamed, joined or left.
    Conversation(Box<ConversationView>),
    /// The server refused something that has no answer of its own, such as a read mark.
    Refused(Problem),
}

/// An event of a conversation's log.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The conversation.
    pub conversation: ConversationId,
    /// The place in its log.
    pub position: Position,
    /// The event.
    pub body: EventBody,
}

/// Events of a conversation that were not and will not be delivered: the application pages the history anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The conversation.
    pub conversation: ConversationId,
    /// The last event that was delivered, if there was one. After a loss it may stand for nothing any more.
    pub last: Option<Position>,
    /// Delivery goes on after this place.
    pub position: Position,
    /// Why, if the server said so; otherwise the server has not sent what it had to.
    pub reason: Option<NotRecovered>,
}

impl ChatEvent {
    /// Gives the event of the log, if it is one.
    pub fn logged(&self) -> Option<&Logged> {
        match self {
            Self::Message(logged) | Self::Edited(logged) | Self::Deleted(logged) | Self::Reacted(logged) => {
                Some(logged)
            }
            _ => None,
        }
    }
}

impl From<Logged> for ChatEvent {
    fn from(logged: Logged) -> Self {
        let logged = Box::new(logged);
        match logged.body.kind {
            EventKind::Message => Self::Message(logged),
            EventKind::Edited => Self::Edited(logged),
            EventKind::Deleted => Self::Deleted(logged),
            EventKind::Reacted => Self::Reacted(logged),
        }
    }
}

impl From<Delivery<Logged>> for ChatEvent {
    fn from(delivery: Delivery<Logged>) -> Self {
        match delivery {
            Delivery::Event(logged) => logged.into(),
            Delivery::Gap { conversation, last, position, reason } => {
                Self::Gap(Gap { conversation, last, position, reason })
            }
        }
    }
}
