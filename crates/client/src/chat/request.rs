//! What an application asks of the server.

use protocol::chat::{Ack, Delete, Edit, History, HistoryPage, React, Send};
use protocol::{ClientId, ConversationId, EventBody, EventKind, Position, Username};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Logged;
use crate::Error;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// To a user, in the direct conversation with that user.
    User(Username),
    /// Into a conversation.
    Conversation(ConversationId),
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Body {
    /// Plain text.
    Text(String),
    /// Any JSON object.
    Content(Box<RawValue>),
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Where it goes.
    pub destination: Destination,
    /// What it says.
    pub body: Body,
    /// The seq of the message that it answers.
    pub reply_to: Option<u64>,
    /// Its id, which makes it the same message if it is sent again; without it a new one is drawn.
    pub id: Option<ClientId>,
}

/// Which part of a conversation is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// The end.
    #[default]
    Newest,
    /// What lies before this seq, its end.
    Before(u64),
    /// What lies after this seq, its beginning.
    After(u64),
}

/// A request that the server answers, as it is on the wire.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Request {
    Send(Send),
    Edit(Edit),
    Delete(Delete),
    React(React),
    History(History),
}

/// A request without an answer, and who waits for it.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) request: Request,
    pub(super) reply: Reply,
    /// Its place among the unanswered requests.
    pub(super) _room: OwnedSemaphorePermit,
}

/// Who waits, and for what.
#[derive(Debug)]
pub(super) enum Reply {
    Ack(oneshot::Sender<Result<Ack, Error>>),
    Page(oneshot::Sender<Result<HistoryPage, Error>>),
}

impl NewMessage {
    /// Makes a message of plain text.
    pub fn text(destination: impl Into<Destination>, text: impl Into<String>) -> Self {
        Self { destination: destination.into(), body: Body::Text(text.into()), reply_to: None, id: None }
    }

    pub(super) fn into_frame(self, id: ClientId) -> Send {
        let (to, conversation) = match self.destination {
            Destination::User(user) => (Some(user), None),
            Destination::Conversation(conversation) => (None, Some(conversation)),
        };
        let (text, content) = match self.body {
            Body::Text(text) => (Some(text), None),
            Body::Content(content) => (None, Some(content)),
        };
        Send { id, to, conversation, text, content, reply_to: self.reply_to }
    }
}

impl Window {
    /// Gives the seq before which to look.
    pub fn before(self) -> Option<u64> {
        if let Self::Before(seq) = self { Some(seq) } else { None }
    }

    /// Gives the seq after which to look.
    pub fn after(self) -> Option<u64> {
        if let Self::After(seq) = self { Some(seq) } else { None }
    }
}

impl Request {
    pub(super) fn id(&self) -> &ClientId {
        match self {
            Self::Send(Send { id, .. })
            | Self::Edit(Edit { id, .. })
            | Self::Delete(Delete { id, .. })
            | Self::React(React { id, .. })
            | Self::History(History { id, .. }) => id,
        }
    }

    /// Gives what must be done in the order in which it was asked for.
    pub(super) fn lane(&self) -> Option<Destination> {
        match self {
            Self::Send(Send { to: Some(user), .. }) => Some(Destination::User(user.clone())),
            Self::Send(Send { conversation, .. }) => conversation.map(Destination::Conversation),
            Self::Edit(Edit { conversation, .. })
            | Self::Delete(Delete { conversation, .. })
            | Self::React(React { conversation, .. }) => Some(Destination::Conversation(*conversation)),
            Self::History(_) => None,
        }
    }

    /// Makes the event of the log that an acked request has become: the server sends it to all devices but this one.
    pub(super) fn into_event(self, author: &Username, ack: &Ack) -> Option<Logged> {
        let body = |kind| EventBody::new(kind, author.clone(), ack.id.clone(), ack.sent_at);
        let body = match self {
            Self::Send(Send { text, content, reply_to, .. }) => {
                EventBody { text, content, reply_to, ..body(EventKind::Message) }
            }
            Self::Edit(Edit { seq, text, .. }) => {
                EventBody { target: Some(seq), text: Some(text), ..body(EventKind::Edited) }
            }
            Self::Delete(Delete { seq, .. }) => EventBody { target: Some(seq), ..body(EventKind::Deleted) },
            Self::React(React { seq, emoji, active, .. }) => EventBody {
                target: Some(seq),
                emoji: Some(emoji),
                active: Some(active),
                ..body(EventKind::Reacted)
            },
            Self::History(_) => return None,
        };
        let position = Position { r#gen: ack.r#gen, seq: ack.seq };
        Some(Logged { conversation: ack.conversation, position, body })
    }
}

impl Reply {
    /// Tells whoever waits that it failed.
    pub(super) fn fail(self, error: Error) {
        // Whoever no longer waits need not know.
        match self {
            Self::Ack(reply) => drop(reply.send(Err(error))),
            Self::Page(reply) => drop(reply.send(Err(error))),
        }
    }
}

impl From<Username> for Destination {
    fn from(user: Username) -> Self {
        Self::User(user)
    }
}

impl From<ConversationId> for Destination {
    fn from(conversation: ConversationId) -> Self {
        Self::Conversation(conversation)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use protocol::chat::ClientFrame;

    use super::*;

    #[test]
    fn requests_are_read_by_the_servers_own_parser() {
        let (id, conversation) = (ClientId::new("x").unwrap(), ConversationId([1; 16]));
        let content = RawValue::from_string(r#"{"a":[1, 2]}"#.to_owned()).unwrap();
        let message = NewMessage {
            destination: conversation.into(),
            body: Body::Content(content.clone()),
            reply_to: Some(3),
            id: None,
        };
        let text = serde_json::to_string(&Request::Send(message.into_frame(id.clone()))).unwrap();
        let Ok(ClientFrame::Send(send)) = ClientFrame::parse(&text) else { panic!("not read: {text}") };
        assert_eq!((send.id, send.conversation, send.reply_to), (id.clone(), Some(conversation), Some(3)));
        assert_eq!(send.content.unwrap().get(), content.get());
        let history = Request::History(History { id, conversation, before: Some(9), after: None, limit: 50 });
        let text = serde_json::to_string(&history).unwrap();
        assert!(matches!(ClientFrame::parse(&text), Ok(ClientFrame::History(_))), "{text}");
    }
}
