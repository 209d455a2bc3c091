//! The frames that devices are sent, each read once.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::chat::{MessageView, Receipt, Resumed};
use protocol::conversation::{Member, Role};
use protocol::presence::{Presence, Status};
use protocol::{ClientId, ConversationId, EventKind, Position, Username};
use serde::Deserialize;

use crate::history::ShownEvent;

/// A frame.
#[derive(Debug, PartialEq)]
pub(super) enum Incoming {
    Welcome(Welcome),
    Ack {
        id: ClientId,
        conversation: ConversationId,
        position: Position,
        duplicate: bool,
    },
    Event {
        conversation: ConversationId,
        position: Position,
        event: ShownEvent,
    },
    Resumed(BTreeMap<ConversationId, Resumed>),
    Page {
        id: ClientId,
        conversation: ConversationId,
        page: Page,
    },
    Receipt(Receipt),
    Typing {
        conversation: ConversationId,
        user: Username,
        active: bool,
    },
    Conversation(Conversation),
    Pong,
    Reconnect {
        url: Option<String>,
        after: Duration,
    },
    Error {
        id: Option<ClientId>,
        code: String,
        retry_after: Option<Duration>,
    },
    Presences(Vec<(Username, Status)>),
    /// It is none that a client knows, or something of it is missing.
    Unreadable,
}

/// The first frame.
#[derive(Debug, PartialEq)]
pub(super) struct Welcome {
    pub(super) shard: String,
    pub(super) epoch: u64,
}

/// A conversation as it is shown.
#[derive(Debug, PartialEq)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) members: Vec<(Username, Role)>,
    pub(super) is_group: bool,
    pub(super) version: u64,
    pub(super) left: bool,
}

/// Messages of a conversation, in order.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) messages: Vec<(Position, ShownEvent)>,
    pub(super) more: bool,
}

/// All fields that a frame may have: one flat record is read without being looked at twice, which a tagged enum is not.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    /// A request's, or in `conversation` the conversation's.
    id: Option<ClientId>,
    conversation: Option<ConversationId>,
    seq: Option<u64>,
    r#gen: Option<u64>,
    from: Option<Username>,
    text: Option<String>,
    target: Option<u64>,
    #[serde(default)]
    deleted: bool,
    duplicate: Option<bool>,
    conversations: Option<BTreeMap<ConversationId, Resumed>>,
    messages: Option<Vec<MessageView>>,
    more: Option<bool>,
    user: Option<Username>,
    active: Option<bool>,
    delivered: Option<u64>,
    read: Option<u64>,
    kind: Option<&'a str>,
    members: Option<Vec<Member>>,
    version: Option<u64>,
    #[serde(default)]
    left: bool,
    url: Option<String>,
    after_ms: Option<u64>,
    code: Option<String>,
    retry_after_ms: Option<u64>,
    shard: Option<String>,
    epoch: Option<u64>,
    users: Option<Vec<Presence>>,
    status: Option<Status>,
}

/// A page as it comes over HTTP.
#[derive(Deserialize)]
pub(super) struct PageBody {
    messages: Vec<MessageView>,
    more: bool,
}

impl Incoming {
    /// Reads a frame.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str::<Wire<'_>>(text).ok().and_then(Wire::sort).unwrap_or(Self::Unreadable)
    }
}

impl Wire<'_> {
    fn sort(self) -> Option<Incoming> {
        Some(match self.name {
            "welcome" => Incoming::Welcome(Welcome { shard: self.shard?, epoch: self.epoch? }),
            "ack" => {
                let position = self.position()?;
                let (id, conversation, duplicate) = (self.id?, self.conversation?, self.duplicate?);
                Incoming::Ack { id, conversation, position, duplicate }
            }
            "message" => self.event(EventKind::Message)?,
            "edited" => self.event(EventKind::Edited)?,
            "deleted" => self.event(EventKind::Deleted)?,
            "reacted" => self.event(EventKind::Reacted)?,
            "resumed" => Incoming::Resumed(self.conversations?),
            "history" => {
                let page = PageBody { messages: self.messages?, more: self.more? }.into();
                Incoming::Page { id: self.id?, conversation: self.conversation?, page }
            }
            "receipt" => Incoming::Receipt(Receipt {
                conversation: self.conversation?,
                user: self.user?,
                delivered: self.delivered,
                read: self.read,
            }),
            "typing" => {
                let (conversation, user, active) = (self.conversation?, self.user?, self.active?);
                Incoming::Typing { conversation, user, active }
            }
            "conversation" => Incoming::Conversation(Conversation {
                id: ConversationId::parse(self.id?.as_str()).ok()?,
                members: self.members?.into_iter().map(|member| (member.username, member.role)).collect(),
                is_group: self.kind? == "group",
                version: self.version?,
                left: self.left,
            }),
            "pong" => Incoming::Pong,
            "reconnect" => {
                Incoming::Reconnect { url: self.url, after: Duration::from_millis(self.after_ms?) }
            }
            "error" => Incoming::Error {
                id: self.id,
                code: self.code?,
                retry_after: self.retry_after_ms.map(Duration::from_millis),
            },
            "snapshot" => {
                let users = self.users?.into_iter();
                Incoming::Presences(users.map(|presence| (presence.user, presence.status)).collect())
            }
            "presence" => Incoming::Presences(vec![(self.user?, self.status?)]),
            _ => return None,
        })
    }

    fn position(&self) -> Option<Position> {
        Some(Position { r#gen: self.r#gen?, seq: self.seq? })
    }

    fn event(self, kind: EventKind) -> Option<Incoming> {
        let (conversation, position) = (self.conversation?, self.position()?);
        let (from, id) = (self.from?, self.id?);
        let Self { text, target, deleted, .. } = self;
        let event = ShownEvent { kind, from, id, text, target, deleted };
        Some(Incoming::Event { conversation, position, event })
    }
}

impl From<PageBody> for Page {
    fn from(body: PageBody) -> Self {
        let messages = body.messages.into_iter().map(|message| {
            let MessageView { seq, r#gen, from, id, text, deleted, .. } = message;
            let event = ShownEvent { kind: EventKind::Message, from, id, text, target: None, deleted };
            (Position { r#gen, seq }, event)
        });
        Self { messages: messages.collect(), more: body.more }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use protocol::chat::{Ack, ServerFrame};
    use protocol::conversation::{ConversationKind, ConversationView};
    use protocol::{Event, EventBody, Timestamp};

    use super::*;

    const CONVERSATION: ConversationId = ConversationId([7; 16]);

    fn name(name: &str) -> Username {
        Username::new(name).unwrap()
    }

    fn read(frame: &ServerFrame) -> Incoming {
        Incoming::read(str::from_utf8(&frame.encode()).unwrap())
    }

    #[test]
    fn what_the_server_encodes_is_read() {
        let id = ClientId::new("m1").unwrap();
        let mut body = EventBody::new(EventKind::Message, name("ada"), id.clone(), Timestamp(1));
        body.text = Some("hi \"you\"\n🦀".to_owned());
        let position = Position { r#gen: 2, seq: 9 };
        let event = Event { conversation: CONVERSATION, position, body: body.encode() };
        let shown = ShownEvent {
            kind: EventKind::Message,
            from: name("ada"),
            id: id.clone(),
            text: body.text,
            target: None,
            deleted: false,
        };
        assert_eq!(
            Incoming::read(str::from_utf8(&event.frame()).unwrap()),
            Incoming::Event { conversation: CONVERSATION, position, event: shown }
        );
        let ack = Ack {
            id: id.clone(),
            conversation: CONVERSATION,
            seq: 9,
            r#gen: 2,
            sent_at: Timestamp(1),
            duplicate: true,
        };
        assert_eq!(
            read(&ServerFrame::Ack(ack)),
            Incoming::Ack { id, conversation: CONVERSATION, position, duplicate: true }
        );
    }

    #[test]
    fn a_conversation_has_its_own_id() {
        let view = ConversationView {
            id: CONVERSATION,
            kind: ConversationKind::Group,
            title: None,
            members: vec![Member { username: name("ada"), role: Role::Owner }],
            created_at: Timestamp(1),
            version: 3,
            left: false,
            state: None,
        };
        let conversation = Conversation {
            id: CONVERSATION,
            members: vec![(name("ada"), Role::Owner)],
            is_group: true,
            version: 3,
            left: false,
        };
        assert_eq!(read(&ServerFrame::Conversation(Box::new(view))), Incoming::Conversation(conversation));
    }

    #[test]
    fn what_lacks_something_is_unreadable() {
        for text in ["", "[]", r#"{"type":"ack","id":"m1"}"#, r#"{"type":"later"}"#] {
            assert_eq!(Incoming::read(text), Incoming::Unreadable, "{text}");
        }
    }
}
