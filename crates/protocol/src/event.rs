//! What a conversation's log holds, and what clients receive of it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ClientId, ConversationId, Timestamp, Username};

/// A place in a conversation's log: `seq` counts its events from 1, `gen` grows when the log may have lost a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Position {
    /// The generation.
    pub r#gen: u64,
    /// The number of the event.
    pub seq: u64,
}

/// What kind of event it is; the name is the `type` of its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody wrote something.
    Message,
    /// The author changed the text of an earlier message.
    Edited,
    /// An earlier message was taken back.
    Deleted,
    /// Somebody put an emoji on an earlier message, or took it off.
    Reacted,
}

/// An event as the log holds it: all of its frame but the place.
///
/// One flat record for the four kinds, so that the stored JSON is the frame's JSON; which fields a kind has is said at each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventBody {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// Who did it.
    pub from: Username,
    /// The client's id of the request.
    pub id: ClientId,
    /// When the server took it.
    pub sent_at: Timestamp,
    /// The seq of the message that is edited, deleted or reacted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u64>,
    /// A message's or an edit's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A message's content where it is not plain text: any JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<RawValue>>,
    /// The seq of the message that a message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// When a message was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Whether a message was taken back; then it has no text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// A reaction's emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Whether a reaction is put on or taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// An event with its place, its body still encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// The conversation.
    pub conversation: ConversationId,
    /// The place in its log.
    pub position: Position,
    /// The JSON object of an [`EventBody`].
    pub body: Bytes,
}

impl EventBody {
    /// Makes a body of `kind` with nothing but its author.
    pub fn new(kind: EventKind, from: Username, id: ClientId, sent_at: Timestamp) -> Self {
        Self {
            kind,
            from,
            id,
            sent_at,
            target: None,
            text: None,
            content: None,
            reply_to: None,
            edited_at: None,
            deleted: false,
            emoji: None,
            active: None,
        }
    }

    /// Encodes the body.
    pub fn encode(&self) -> Bytes {
        // Strings, numbers and checked JSON always encode.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Decodes what [`EventBody::encode`] made; unknown fields, such as an event's place, are passed over.
    pub fn decode(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(json)
    }
}

impl Event {
    /// Encodes the frame that clients receive: the body with its place put in front, so that nothing is encoded twice.
    pub fn frame(&self) -> Bytes {
        let place = format!(
            "{{\"conversation\":\"{}\",\"seq\":{},\"gen\":{},",
            self.conversation, self.position.seq, self.position.r#gen
        );
        let mut frame = BytesMut::with_capacity(place.len() + self.body.len());
        frame.put_slice(place.as_bytes());
        frame.put_slice(self.body.get(1..).unwrap_or_default());
        frame.freeze()
    }

    /// Reads a frame that [`Event::frame`] made.
    pub fn parse(frame: &[u8]) -> serde_json::Result<(ConversationId, Position, EventBody)> {
        #[derive(Deserialize)]
        struct Place {
            conversation: ConversationId,
            seq: u64,
            r#gen: u64,
        }
        let place: Place = serde_json::from_slice(frame)?;
        let position = Position { r#gen: place.r#gen, seq: place.seq };
        Ok((place.conversation, position, EventBody::decode(frame)?))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the body: what people write does not go into logs.
        write!(formatter, "{}/{}-{}", self.conversation, self.position.r#gen, self.position.seq)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn the_frame_is_the_stored_body_with_its_place() {
        let mut body = EventBody::new(
            EventKind::Message,
            Username::new("ada").unwrap(),
            ClientId::new("m1").unwrap(),
            Timestamp(1),
        );
        body.text = Some("hi \"you\"\n🦀".to_owned());
        let event = Event {
            conversation: ConversationId([7; 16]),
            position: Position { r#gen: 2, seq: 9 },
            body: body.encode(),
        };
        let value: serde_json::Value = serde_json::from_slice(&event.frame()).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "type": "message", "conversation": ConversationId([7; 16]), "seq": 9, "gen": 2, "from": "ada",
                "id": "m1", "text": "hi \"you\"\n🦀", "sent_at": "1970-01-01T00:00:00.001Z",
            })
        );
        let (conversation, position, read) = Event::parse(&event.frame()).unwrap();
        assert_eq!((conversation, position, read.text), (event.conversation, event.position, body.text));
    }
}
