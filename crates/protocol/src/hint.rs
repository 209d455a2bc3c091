//! What the parts of the cluster tell each other through inboxes: hints, all of which may be lost, late or repeated.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::presence::Presence;
use crate::{ConversationId, LoginId, Position, Username};

/// The longest event body that travels inside a hint, in bytes; a longer one is read from the log.
pub const MAX_INLINE_BYTES: usize = 1024;

/// A hint with the table by which it was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// The placement table's epoch.
    pub epoch: u64,
    /// Whether a shard that no longer owned the users passed it on: that happens once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passed_on: bool,
    /// The hint.
    pub hint: Hint,
}

/// Some news.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    /// A conversation's log has a new event. To chat shards.
    Event(EventHint),
    /// A conversation was made, renamed, joined, left, blocked or opened again. To chat shards.
    Conversation(ConversationHint),
    /// A member's marks moved on. To chat shards.
    Receipt {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: Username,
        /// The last event that reached a device.
        delivered: Option<u64>,
        /// The last event that was read.
        read: Option<u64>,
    },
    /// A member types, or has stopped. To chat shards.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: Username,
        /// Whether typing goes on.
        active: bool,
    },
    /// A login has ended: its sockets close. To all shards.
    LoginEnded {
        /// The login.
        login: LoginId,
        /// Whose it was.
        user: Username,
    },
    /// Users are otherwise than before. To the presence shards of those who may see it.
    Presence {
        /// How they are.
        users: Vec<Presence>,
    },
    /// Whom a user may see has changed: contacts were added or removed, or a block was set or lifted. To the presence shards of both.
    Contacts {
        /// The two.
        users: [Username; 2],
    },
}

/// A conversation's log has a new event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventHint {
    /// The conversation.
    pub conversation: ConversationId,
    /// The event's place.
    pub position: Position,
    /// The conversation's version when it was appended.
    pub version: u64,
    /// The encoded [`crate::EventBody`] if it is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// A conversation has changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversationHint {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its version now.
    pub version: u64,
    /// Who is no longer in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Username>,
}

impl Envelope {
    /// Encodes the hint.
    pub fn encode(&self) -> bytes::Bytes {
        // Strings, numbers and checked JSON always encode.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Decodes what [`Envelope::encode`] made.
    pub fn decode(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn an_event_keeps_its_body_byte_for_byte() {
        let body = RawValue::from_string(r#"{"type":"message","text":"\u00e4"}"#.to_owned()).unwrap();
        let event = EventHint {
            conversation: ConversationId([1; 16]),
            position: Position { r#gen: 1, seq: 2 },
            version: 3,
            body: Some(body.clone()),
        };
        let envelope = Envelope { epoch: 4, passed_on: false, hint: Hint::Event(event) };
        let Hint::Event(read) = Envelope::decode(&envelope.encode()).unwrap().hint else {
            panic!("another hint")
        };
        assert_eq!(read.body.unwrap().get(), body.get());
    }
}
