//! The frames that devices send.

use std::collections::BTreeMap;

use protocol::presence::ChosenStatus;
use protocol::{ClientId, ConversationId, Position, Username};
use serde::Serialize;

use crate::history::{Request, To};

/// A frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Outgoing<'a> {
    /// A message.
    Send {
        id: &'a ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<&'a Username>,
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<&'a ConversationId>,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
    },
    /// Another text.
    Edit { id: &'a ClientId, conversation: &'a ConversationId, seq: u64, text: &'a str },
    /// A message is taken back.
    Delete { id: &'a ClientId, conversation: &'a ConversationId, seq: u64 },
    /// An emoji.
    React { id: &'a ClientId, conversation: &'a ConversationId, seq: u64, emoji: &'a str, active: bool },
    /// Asks for what was missed.
    Resume { cursors: &'a BTreeMap<ConversationId, Position> },
    /// Asks for a page.
    History { id: &'a ClientId, conversation: &'a ConversationId, after: u64, limit: u64 },
    /// How far the user has read.
    Read { conversation: &'a ConversationId, seq: u64 },
    /// Whether the user types.
    Typing { conversation: &'a ConversationId, active: bool },
    /// Asks whether the server is there.
    Ping,
    /// How the user wants to be shown.
    Status { status: ChosenStatus },
    /// The person did something.
    Active,
    /// Follows users.
    Subscribe { users: &'a [Username] },
}

impl Outgoing<'_> {
    /// Encodes the frame.
    pub(super) fn encode(&self) -> String {
        // Strings and numbers always encode.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Encodes a request; only messages go to a user.
pub(super) fn request(id: &ClientId, to: &To, request: &Request, reply_to: Option<u64>) -> String {
    let conversation = match to {
        To::Conversation(conversation) => Some(conversation),
        To::User(_) => None,
    };
    let frame = match (request, conversation) {
        (Request::Message { text }, conversation) => {
            let to = match to {
                To::User(user) => Some(user),
                To::Conversation(_) => None,
            };
            Outgoing::Send { id, to, conversation, text, reply_to }
        }
        (Request::Edit { seq, text }, Some(conversation)) => {
            Outgoing::Edit { id, conversation, seq: *seq, text }
        }
        (Request::Delete { seq }, Some(conversation)) => Outgoing::Delete { id, conversation, seq: *seq },
        (Request::React { seq, emoji, active }, Some(conversation)) => {
            Outgoing::React { id, conversation, seq: *seq, emoji, active: *active }
        }
        (_, None) => Outgoing::Ping,
    };
    frame.encode()
}
