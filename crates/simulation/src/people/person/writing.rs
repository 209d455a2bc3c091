//! What people say in their conversations.

use std::sync::Arc;
use std::time::Duration;

use protocol::{ClientId, ConversationId};

use super::Person;
use crate::history::{Request, To};
use crate::people::device::{Device, Notice};
use crate::people::knowledge::Known;

/// What people put on messages.
const EMOJIS: [&str; 3] = ["👍", "🎉", "🦀"];
/// How likely a message is too long to travel in a hint.
const LONG: f64 = 0.03;
/// What a long message is filled with, in bytes.
const FILLING: usize = 2_000;

impl Person {
    pub(super) fn write(&self) {
        let Some(conversation) = self.conversation(|_| true) else { return self.write_to() };
        self.say(To::Conversation(conversation), None);
    }

    pub(super) fn write_to(&self) {
        if let Some(user) = self.somebody() {
            self.say(To::User(user), None);
        }
    }

    pub(super) fn reply(&self) {
        let Some((conversation, seq)) = self.message(false) else { return };
        self.say(To::Conversation(conversation), Some(seq));
    }

    pub(super) fn edit(&self) {
        let Some((conversation, seq)) = self.message(true) else { return };
        self.request(conversation, |id| Request::Edit { seq, text: format!("{id} changed") });
    }

    pub(super) fn delete(&self) {
        let Some((conversation, seq)) = self.message(true) else { return };
        self.request(conversation, |_| Request::Delete { seq });
    }

    pub(super) fn react(&self) {
        let Some((conversation, seq)) = self.message(false) else { return };
        let emoji = self.dice.pick(&EMOJIS).copied().unwrap_or("👍").to_owned();
        let active = self.dice.chance(0.75);
        self.request(conversation, |_| Request::React { seq, emoji, active });
    }

    pub(super) fn read(&self) {
        let Some(conversation) = self.conversation(|known| !known.recent.is_empty()) else { return };
        let seqs = self.knowledge.lock().conversations.get(&conversation).map(|known| known.recent.clone());
        let Some(seqs) = seqs else { return };
        // Mostly the last one; a mark that would go back must not.
        let seq = if self.dice.chance(0.75) {
            seqs.back().copied()
        } else {
            self.dice.pick(&seqs.into_iter().collect::<Vec<_>>()).copied()
        };
        if let (Some(seq), Some(device)) = (seq, self.device()) {
            device.notice(Duration::ZERO, Notice::Read(conversation, seq));
        }
    }

    /// Types; what begins to be typed is sent or not, and ends.
    pub(super) fn r#type(&self) {
        let (Some(conversation), Some(device)) = (self.conversation(|_| true), self.device()) else { return };
        device.notice(Duration::ZERO, Notice::Typing(conversation, true));
        device.notice(self.dice.millis(500..=6_000), Notice::Typing(conversation, false));
        if self.dice.chance(0.5) {
            self.say_from(&device, To::Conversation(conversation), None);
        }
    }

    fn say(&self, to: To, reply_to: Option<u64>) {
        if let Some(device) = self.device() {
            self.say_from(&device, to, reply_to);
        }
    }

    fn say_from(&self, device: &Arc<Device>, to: To, reply_to: Option<u64>) {
        let Some(id) = device.next_request() else { return };
        let filling = if self.dice.chance(LONG) { ".".repeat(FILLING) } else { String::new() };
        let text = format!("{id}{filling}");
        device.request(id, to, Request::Message { text }, reply_to);
    }

    fn request(&self, conversation: ConversationId, request: impl FnOnce(&ClientId) -> Request) {
        let Some(device) = self.device() else { return };
        let Some(id) = device.next_request() else { return };
        let request = request(&id);
        device.request(id, To::Conversation(conversation), request, None);
    }

    /// Gives a conversation of which this holds.
    fn conversation(&self, holds: impl Fn(&Known) -> bool) -> Option<ConversationId> {
        let conversations = self.knowledge.lock().all(holds);
        self.dice.pick(&conversations).copied()
    }

    /// Gives one of the last messages, of all or of the person's own.
    fn message(&self, is_own: bool) -> Option<(ConversationId, u64)> {
        let knowledge = self.knowledge.lock();
        let seqs = |known: &'_ Known| if is_own { known.own.clone() } else { known.recent.clone() };
        let messages: Vec<(ConversationId, u64)> = knowledge
            .conversations
            .iter()
            .flat_map(|(id, known)| seqs(known).into_iter().map(|seq| (*id, seq)))
            .collect();
        self.dice.pick(&messages).copied()
    }
}
