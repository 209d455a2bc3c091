//! Events as they are stored, and as they are now.

use bytes::Bytes;
use ports::{Error, Result};
use protocol::{ConversationId, Event, EventBody, Position, Timestamp};
use redis::Value;

use crate::value::{Items, unexpected};

/// Reads what the script for ranges answers.
pub(super) fn events(conversation: ConversationId, answer: Value) -> Result<Vec<Event>> {
    let mut items = Items::of(answer)?;
    let mut events = Vec::new();
    while !items.is_empty() {
        let (id, body, change) = (items.text()?, items.bytes()?, items.text()?);
        let body = changed(body, &change)?;
        events.push(Event { conversation, position: position(&id)?, body });
    }
    Ok(events)
}

/// Reads the id of an event: `<seq>-<gen>`.
fn position(id: &str) -> Result<Position> {
    let numbers = id.split_once('-').and_then(|(seq, r#gen)| Some((seq.parse().ok()?, r#gen.parse().ok()?)));
    let (seq, r#gen) = numbers.ok_or_else(|| unexpected("an event without a place"))?;
    Ok(Position { r#gen, seq })
}

/// Gives a body as it is after a change: `d`, taken back; `e<time> <text>`, edited; nothing.
fn changed(stored: Bytes, change: &str) -> Result<Bytes> {
    if change.is_empty() {
        return Ok(stored);
    }
    let mut body = EventBody::decode(&stored).map_err(|error| Error::Corrupt(error.to_string()))?;
    if change == "d" {
        (body.text, body.content, body.deleted) = (None, None, true);
    } else {
        let edit = change.strip_prefix('e').and_then(|edit| edit.split_once(' '));
        let edit = edit.and_then(|(at, text)| Some((at.parse().ok()?, text)));
        let (at, text) = edit.ok_or_else(|| unexpected("an unknown change of an event"))?;
        (body.text, body.content, body.edited_at) = (Some(text.to_owned()), None, Some(Timestamp(at)));
    }
    Ok(body.encode())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use protocol::{ClientId, EventKind, Username};

    use super::*;

    fn body() -> EventBody {
        let (from, id) = (Username::new("ada").unwrap(), ClientId::new("m1").unwrap());
        let mut body = EventBody::new(EventKind::Message, from, id, Timestamp(1));
        body.text = Some("first".to_owned());
        body
    }

    #[test]
    fn events_are_as_their_changes_left_them() {
        let text = |text: &str| Value::BulkString(text.into());
        let stored = || Value::BulkString(body().encode().into());
        let changes = ["", "e7 second try", "d"];
        let answer = changes
            .iter()
            .zip(1..)
            .flat_map(|(change, seq)| [text(&format!("{seq}-3")), stored(), text(change)]);
        let events = events(ConversationId([1; 16]), Value::Array(answer.collect())).unwrap();
        assert_eq!(events[0].body, body().encode());
        assert_eq!(events[2].position, Position { r#gen: 3, seq: 3 });
        let edited = EventBody::decode(&events[1].body).unwrap();
        assert_eq!((edited.text.as_deref(), edited.edited_at), (Some("second try"), Some(Timestamp(7))));
        let deleted = EventBody::decode(&events[2].body).unwrap();
        assert!(deleted.deleted && deleted.text.is_none());
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        assert!(position("7").is_err() && position("a-b").is_err());
        for change in ["x", "e", "ex y"] {
            assert!(changed(body().encode(), change).is_err(), "{change}");
        }
        assert!(changed(Bytes::from_static(b"{"), "d").is_err());
    }
}
