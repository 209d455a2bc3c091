//! What a connection was given, checked as it comes.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ConversationId;
use serde_json::Value;

/// What a connection was given so far.
///
/// Whatever the test, no event may come twice on a connection, and none after a later one.
#[derive(Default)]
pub(crate) struct Seen {
    /// The events by conversation and number, as (gen, seq).
    events: BTreeMap<ConversationId, BTreeMap<(u64, u64), Value>>,
    /// The ids of own requests by conversation and place, as (gen, seq).
    acks: BTreeMap<ConversationId, BTreeMap<(u64, u64), String>>,
    /// The conversations as they were last shown.
    pub(crate) conversations: BTreeMap<ConversationId, Value>,
    /// The frames that send elsewhere.
    pub(crate) reconnects: Vec<Value>,
}

impl Seen {
    /// Takes a frame.
    pub(crate) fn note(&mut self, frame: &Value) {
        match kind(frame) {
            "message" | "edited" | "deleted" | "reacted" => self.note_event(frame),
            "ack" => {
                let acks = self.acks.entry(conversation(frame, "conversation")).or_default();
                let id = frame["id"].as_str().unwrap().to_owned();
                let before = acks.insert(place(frame), id.clone());
                assert!(before.is_none_or(|before| before == id), "two requests have one place: {frame}");
            }
            "conversation" => {
                self.conversations.insert(conversation(frame, "id"), frame.clone());
            }
            "reconnect" => self.reconnects.push(frame.clone()),
            _ => {}
        }
    }

    fn note_event(&mut self, frame: &Value) {
        let events = self.events.entry(conversation(frame, "conversation")).or_default();
        let position = place(frame);
        let last = events.last_key_value().map(|(last, _)| *last);
        assert!(last.is_none_or(|last| last < position), "after {last:?} came {frame}");
        let before = events.insert(position, frame.clone());
        assert!(before.is_none(), "came twice: {frame}");
    }

    /// Gives an event.
    pub(crate) fn event(&self, conversation: ConversationId, seq: u64) -> Option<&Value> {
        let events = self.events.get(&conversation)?;
        events.iter().find(|((_, number), _)| *number == seq).map(|(_, frame)| frame)
    }

    /// Gives the numbers of the events of a conversation, in order.
    pub(crate) fn events(&self, conversation: ConversationId) -> Vec<u64> {
        let events = self.events.get(&conversation);
        events.into_iter().flat_map(BTreeMap::keys).map(|(_, seq)| *seq).collect()
    }

    /// Gives the numbers that are known, from events and from acks.
    pub(crate) fn known(&self, conversation: ConversationId) -> BTreeSet<u64> {
        let acks = self.acks.get(&conversation).into_iter().flat_map(BTreeMap::keys);
        acks.map(|(_, seq)| *seq).chain(self.events(conversation)).collect()
    }

    /// Gives up to which number everything after `from` is known.
    pub(crate) fn whole_from(&self, conversation: ConversationId, from: u64) -> u64 {
        let known = self.known(conversation);
        (from + 1..).take_while(|seq| known.contains(seq)).last().unwrap_or(from)
    }

    /// Gives the places of the events of a conversation, in order, as (gen, seq).
    pub(crate) fn places(&self, conversation: ConversationId) -> Vec<(u64, u64)> {
        self.events.get(&conversation).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// Gives the number that an own request got, if it was acknowledged.
    pub(crate) fn acked(&self, id: &str) -> Option<u64> {
        self.acks.values().flatten().find(|(_, acked)| acked.as_str() == id).map(|((_, seq), _)| *seq)
    }

    /// Gives the conversations of which there were events.
    pub(crate) fn heard_of(&self) -> BTreeSet<ConversationId> {
        self.events.keys().copied().collect()
    }
}

/// Gives a frame's type.
pub(crate) fn kind(frame: &Value) -> &str {
    frame["type"].as_str().unwrap()
}

fn place(frame: &Value) -> (u64, u64) {
    (number(frame, "gen"), number(frame, "seq"))
}

fn number(frame: &Value, field: &str) -> u64 {
    frame[field].as_u64().unwrap_or_else(|| panic!("no {field} in {frame}"))
}

fn conversation(frame: &Value, field: &str) -> ConversationId {
    ConversationId::parse(frame[field].as_str().unwrap()).unwrap()
}
