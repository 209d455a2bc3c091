//! The frames of `/chat`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::conversation::ConversationView;
use crate::parse::{self, FrameError, invalid};
use crate::{
    ClientId, ConversationId, ErrorCode, EventBody, LoginId, MAX_CONTENT_DEPTH, MAX_PAGE, MAX_TEXT_BYTES,
    Position, Shard, Timestamp, Username,
};

/// What a client sends on `/chat`.
#[derive(Clone, Debug)]
pub enum ClientFrame {
    /// A message.
    Send(Send),
    /// Where the client is in its conversations.
    Resume(Resume),
    /// A page of a conversation.
    History(History),
    /// How far the user has read.
    Read(Read),
    /// The user types, or has stopped.
    Typing(Typing),
    /// A new text for an earlier message.
    Edit(Edit),
    /// An earlier message is taken back.
    Delete(Delete),
    /// An emoji is put on a message, or taken off.
    React(React),
    /// Asks for a `pong`.
    Ping(Ping),
}

/// Asks for a message to be sent, to a user or into a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Send {
    /// The client's id: the same one is the same message.
    pub id: ClientId,
    /// The receiver of a direct message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Username>,
    /// The conversation, instead of `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Any JSON object, instead of `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<RawValue>>,
    /// The seq of the message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

/// Asks for everything after the given places.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Resume {
    /// The last event that the client has of each conversation.
    pub cursors: BTreeMap<ConversationId, Cursor>,
}

/// A place as clients give it: a seq alone, or with its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cursor {
    /// The seq alone.
    Seq(u64),
    /// Seq and generation.
    Position(Position),
}

/// Asks for a page of a conversation, in order of seq.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// The client's id, which the answer carries.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// Only what lies before this seq; the newest page if neither is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Only what lies after this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How many messages at most.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

/// Says how far the user has read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Read {
    /// The conversation.
    pub conversation: ConversationId,
    /// The last seq that was read.
    pub seq: u64,
}

/// Says whether the user types.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Typing {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whether typing goes on.
    pub active: bool,
}

/// Gives an earlier message a new text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// The client's id.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: u64,
    /// The new text.
    pub text: String,
}

/// Takes an earlier message back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delete {
    /// The client's id.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: u64,
}

/// Puts an emoji on a message, or takes it off.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct React {
    /// The client's id.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: u64,
    /// The emoji.
    pub emoji: String,
    /// Whether it is put on.
    pub active: bool,
}

/// Asks for a `pong`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ping {
    /// The client's id, which the answer carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
}

/// What a server sends on `/chat`, except the events of conversations, which are [`crate::Event`]s.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame.
    Welcome(Welcome),
    /// A request that changes a conversation is durable.
    Ack(Ack),
    /// Everything that was missed has been sent.
    Resumed {
        /// Where each conversation stands now.
        conversations: BTreeMap<ConversationId, Resumed>,
    },
    /// A page of a conversation.
    History(HistoryPage),
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
    /// A conversation as it is now: made, renamed, joined or left.
    Conversation(Box<ConversationView>),
    /// The answer to a `ping`.
    Pong {
        /// The ping's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ClientId>,
    },
    /// Go to another place.
    Reconnect(Reconnect),
    /// A request was refused.
    Error(ErrorFrame),
}

/// The first frame of a connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Welcome {
    /// The login that the connection belongs to.
    pub session: LoginId,
    /// Who is connected.
    pub user: Username,
    /// The shard that serves.
    pub shard: Shard,
    /// The placement table's epoch.
    pub epoch: u64,
    /// The server pings this often; a silence of twice that is a dead connection.
    pub heartbeat_seconds: u64,
    /// The largest frame that the server reads.
    pub max_frame_bytes: usize,
}

/// Says that a request is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The request's id.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The event's number.
    pub seq: u64,
    /// The event's generation.
    pub r#gen: u64,
    /// When the server took it.
    pub sent_at: Timestamp,
    /// Whether it was there already.
    pub duplicate: bool,
}

/// Where a conversation stands after a `resume`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The last event's number.
    pub seq: u64,
    /// The last event's generation.
    pub r#gen: u64,
    /// Whether everything after the client's cursor was sent.
    pub recovered: bool,
    /// Why not; then the client pages the history anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotRecovered>,
}

/// Why a conversation could not be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotRecovered {
    /// More was missed than is sent in one go.
    TooFarBehind,
    /// The cursor lies after the log's end, or in a generation that was lost.
    LogLostTail,
    /// Later events have passed live on this connection already, and what lies before them would come out of order: a `resume` belongs
    /// right after `welcome`, once.
    TooLate,
    /// There is no such conversation for this user.
    NotAMember,
}

/// A page of a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryPage {
    /// The request's id.
    pub id: ClientId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The messages in order of seq, each as it is now.
    pub messages: Vec<MessageView>,
    /// Whether there is more in the direction of the request.
    pub more: bool,
}

/// A message as it is now: its last text, and what was put on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MessageView {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its number.
    pub seq: u64,
    /// Its generation.
    pub r#gen: u64,
    /// Who wrote it.
    pub from: Username,
    /// The author's id of it.
    pub id: ClientId,
    /// When the server took it.
    pub sent_at: Timestamp,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its content where it is not plain text.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "raw")]
    pub content: Option<Box<RawValue>>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Whether it was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Who put which emoji on it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reactions: BTreeMap<String, Vec<Username>>,
}

/// How far a member has received and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The conversation.
    pub conversation: ConversationId,
    /// The member.
    pub user: Username,
    /// The last event that reached a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    /// The last event that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
}

/// Sends a client elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnect {
    /// Where to connect; without it, where the client logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// After how many milliseconds.
    pub after_ms: u64,
    /// Why.
    pub reason: ReconnectReason,
}

/// Why a client is sent elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconnectReason {
    /// The user belongs to another shard now.
    Moved,
    /// The shard drains.
    Draining,
}

/// Says that a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// The request's id, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
    /// The stable code.
    pub code: ErrorCode,
    /// What is wrong.
    pub detail: String,
    /// When the same request may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Reads JSON as it is from any deserializer: inside of tagged and flattened types a [`RawValue`] cannot be read directly.
fn raw<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    let value: Option<serde_json::Value> = Option::deserialize(deserializer)?;
    value.map(|value| serde_json::value::to_raw_value(&value)).transpose().map_err(serde::de::Error::custom)
}

fn default_limit() -> usize {
    50
}

impl ClientFrame {
    /// Reads a frame and checks its values.
    ///
    /// # Errors
    /// See [`FrameError`]: not JSON, an unknown type, or a field that is missing or wrong.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let (kind, id) = parse::head(text)?;
        Ok(match kind.as_ref() {
            "send" => Self::Send(parse::fields::<Send>(text, id)?.checked()?),
            "resume" => Self::Resume(parse::fields(text, id)?),
            "history" => Self::History(parse::fields::<History>(text, id)?.checked()?),
            "read" => Self::Read(parse::fields(text, id)?),
            "typing" => Self::Typing(parse::fields(text, id)?),
            "edit" => {
                let edit: Edit = parse::fields(text, id)?;
                check_text(&edit.text, &edit.id)?;
                Self::Edit(edit)
            }
            "delete" => Self::Delete(parse::fields(text, id)?),
            "react" => {
                let react: React = parse::fields(text, id)?;
                if react.emoji.is_empty() || react.emoji.len() > 32 {
                    return Err(invalid("emoji", "must have 1 to 32 bytes", Some(react.id)));
                }
                Self::React(react)
            }
            "ping" => Self::Ping(parse::fields(text, id)?),
            other => {
                let shown: String = other.chars().take(32).collect();
                let detail = format!("type: {shown:?} is not a type of frame");
                return Err(FrameError { code: ErrorCode::UnknownType, detail, id });
            }
        })
    }
}

impl Send {
    fn checked(self) -> Result<Self, FrameError> {
        let wrong = |field, reason| Err(invalid(field, reason, Some(self.id.clone())));
        match (&self.to, &self.conversation) {
            (None, None) => return wrong("to", "is missing, and so is conversation"),
            (Some(_), Some(_)) => return wrong("to", "and conversation exclude each other"),
            _ => {}
        }
        match (&self.text, &self.content) {
            (None, None) => return wrong("text", "is missing, and so is content"),
            (Some(_), Some(_)) => return wrong("text", "and content exclude each other"),
            (Some(text), None) => check_text(text, &self.id)?,
            (None, Some(content)) => {
                let json = content.get();
                if !json.starts_with('{') {
                    return wrong("content", "must be an object");
                }
                if json.len() > MAX_TEXT_BYTES {
                    return wrong("content", "is too long");
                }
                if parse::nests_deeper_than(json.as_bytes(), MAX_CONTENT_DEPTH) {
                    return wrong("content", "nests too deep");
                }
            }
        }
        Ok(self)
    }
}

impl History {
    fn checked(self) -> Result<Self, FrameError> {
        if self.limit == 0 || self.limit > MAX_PAGE {
            return Err(invalid("limit", "must be 1 to 200", Some(self.id)));
        }
        if self.before.is_some() && self.after.is_some() {
            return Err(invalid("before", "and after exclude each other", Some(self.id)));
        }
        Ok(self)
    }
}

impl Cursor {
    /// Gives the seq.
    pub fn seq(self) -> u64 {
        match self {
            Self::Seq(seq) => seq,
            Self::Position(position) => position.seq,
        }
    }

    /// Gives the place; the generation is 0 where the client did not say it.
    pub fn position(self) -> Position {
        match self {
            Self::Seq(seq) => Position { seq, ..Position::default() },
            Self::Position(position) => position,
        }
    }
}

impl ServerFrame {
    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        // Strings, numbers and checked JSON always encode.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl MessageView {
    /// Makes the view of a stored message.
    pub fn new(
        conversation: ConversationId,
        position: Position,
        body: EventBody,
        reactions: BTreeMap<String, Vec<Username>>,
    ) -> Self {
        Self {
            conversation,
            seq: position.seq,
            r#gen: position.r#gen,
            from: body.from,
            id: body.id,
            sent_at: body.sent_at,
            text: body.text,
            content: body.content,
            reply_to: body.reply_to,
            edited_at: body.edited_at,
            deleted: body.deleted,
            reactions,
        }
    }
}

fn check_text(text: &str, id: &ClientId) -> Result<(), FrameError> {
    if text.is_empty() {
        return Err(invalid("text", "is empty", Some(id.clone())));
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(invalid("text", "is too long", Some(id.clone())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> FrameError {
        match ClientFrame::parse(text) {
            Ok(frame) => panic!("read as {frame:?}"),
            Err(error) => error,
        }
    }

    #[test]
    fn errors_name_the_field_and_carry_the_id() {
        assert_eq!(error(r#"{"type":"send"}"#).detail, "missing field `id`");
        let wrong = error(r#"{"type":"send","id":"x","to":"bob","text":7}"#);
        assert_eq!(wrong.id, ClientId::new("x").ok());
        assert!(wrong.detail.starts_with("text: invalid type"), "{}", wrong.detail);
        assert_eq!(
            error(r#"{"type":"send","id":"x","text":"a"}"#).detail,
            "to: is missing, and so is conversation"
        );
        assert_eq!(error(r#"{"type":"send","id":"x","to":"bob","text":""}"#).detail, "text: is empty");
        assert!(
            error(r#"{"type":"send","id":"x","to":"b","text":"a"}"#).detail.starts_with("to: a username")
        );
        assert_eq!(error(r#"{"type":"nope","id":"x"}"#).code, ErrorCode::UnknownType);
        let deep = format!(
            r#"{{"type":"send","id":"x","to":"bob","content":{{"a":{}{}}}}}"#,
            "[".repeat(40),
            "]".repeat(40)
        );
        assert_eq!(error(&deep).detail, "content: nests too deep");
        assert!(
            error(r#"{"type":"history","id":"x","conversation":"AAAAAAAAAAAAAAAAAAAAAA","limit":201}"#)
                .detail
                .starts_with("limit")
        );
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let frame = ClientFrame::parse(r#"{"type":"ping","id":"p","later":[1]}"#);
        assert!(matches!(frame, Ok(ClientFrame::Ping(Ping { id: Some(_) }))), "{frame:?}");
    }

    #[test]
    fn cursors_come_in_both_forms() {
        let text = r#"{"type":"resume","cursors":{"AAAAAAAAAAAAAAAAAAAAAA":7,"AAAAAAAAAAAAAAAAAAAAAQ":{"seq":8,"gen":2}}}"#;
        let Ok(ClientFrame::Resume(resume)) = ClientFrame::parse(text) else { panic!("not read") };
        let cursors: Vec<Cursor> = resume.cursors.into_values().collect();
        assert_eq!(cursors, [Cursor::Seq(7), Cursor::Position(Position { r#gen: 2, seq: 8 })]);
    }

    #[test]
    fn a_page_with_content_is_read_back() {
        let page = r#"{"type":"history","id":"h","conversation":"AAAAAAAAAAAAAAAAAAAAAA","more":false,"messages":[{"conversation":"AAAAAAAAAAAAAAAAAAAAAA","seq":1,"gen":1,"from":"ada","id":"m","sent_at":"1970-01-01T00:00:00.001Z","content":{"a":[1]}}]}"#;
        let Ok(ServerFrame::History(read)) = serde_json::from_str(page) else { panic!("not read") };
        assert_eq!(read.messages[0].content.as_ref().map(|content| content.get()), Some(r#"{"a":[1]}"#));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,200}") {
            let _ = ClientFrame::parse(&text);
        }

        #[test]
        fn nothing_that_looks_like_a_frame_panics(kind in "send|resume|history|read|edit|react|ping", rest in "[\\[\\]{}\",:a-z0-9]{0,60}") {
            let _ = ClientFrame::parse(&format!("{{\"type\":\"{kind}\",{rest}}}"));
        }
    }
}
