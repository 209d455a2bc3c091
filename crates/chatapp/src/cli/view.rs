//! What of a conversation is shown, and how: lines of text, made harmless.

use std::collections::{BTreeMap, HashSet};

use client::{ChatEvent, Destination, Logged};
use protocol::chat::{MessageView, Receipt};
use protocol::{ClientId, ConversationId, EventKind, Timestamp, Username};

use super::find::is_meant;
use super::plain;

/// A person's view of one conversation.
#[derive(Debug)]
pub(super) struct View {
    me: Username,
    destination: Destination,
    /// The conversation; a direct one may not exist yet.
    pub(super) conversation: Option<ConversationId>,
    /// The last message that was shown.
    pub(super) shown: u64,
    /// The user's own last message.
    own: u64,
    /// How far others have read, as far as it was shown.
    read: BTreeMap<Username, u64>,
    /// Messages that were typed here, and stand on the screen already.
    typed: HashSet<ClientId>,
    connected: bool,
}

impl View {
    pub(super) fn new(me: Username, destination: Destination, conversation: Option<ConversationId>) -> Self {
        Self {
            me,
            destination,
            conversation,
            shown: 0,
            own: 0,
            read: BTreeMap::new(),
            typed: HashSet::new(),
            connected: true,
        }
    }

    /// Takes note of a message that was typed here.
    pub(super) fn typed(&mut self, id: ClientId) {
        self.typed.insert(id);
    }

    /// Takes note of the conversation that a first message has made.
    pub(super) fn made(&mut self, conversation: ConversationId) {
        self.conversation.get_or_insert(conversation);
    }

    /// Shows a message of the history.
    pub(super) fn past(&mut self, message: &MessageView) -> Option<String> {
        if message.seq <= self.shown {
            return None;
        }
        self.note(message.seq, &message.from);
        let text = match (&message.text, &message.content) {
            _ if message.deleted => "(taken back)".to_owned(),
            (Some(text), _) => plain::text(text),
            (None, Some(content)) => plain::text(content.get()),
            (None, None) => String::new(),
        };
        Some(format!("{} {}: {text}", clock(message.sent_at), message.from))
    }

    /// Shows what happens, if it concerns the conversation and is worth a line.
    pub(super) fn present(&mut self, event: &ChatEvent) -> Option<String> {
        match event {
            ChatEvent::Connected { .. } if !self.connected => {
                self.connected = true;
                Some("-- connected again".to_owned())
            }
            ChatEvent::Disconnected(loss) if self.connected => {
                self.connected = false;
                Some(format!("-- not connected: {}", plain::line(&loss.to_string())))
            }
            ChatEvent::Message(logged)
            | ChatEvent::Edited(logged)
            | ChatEvent::Deleted(logged)
            | ChatEvent::Reacted(logged) => self.logged(logged),
            ChatEvent::Conversation(view) => {
                if is_meant(&self.destination, view, &self.me) {
                    self.made(view.id);
                }
                None
            }
            ChatEvent::Receipt(receipt) => self.receipt(receipt),
            ChatEvent::Typing { conversation, user, active: true } if self.is_here(*conversation) => {
                Some(format!("-- {user} is typing"))
            }
            ChatEvent::Refused(problem) => Some(format!("-- {}", plain::line(&problem.to_string()))),
            _ => None,
        }
    }

    fn logged(&mut self, logged: &Logged) -> Option<String> {
        let (body, seq) = (&logged.body, logged.position.seq);
        let typed = self.typed.remove(&body.id);
        if !self.is_here(logged.conversation) {
            return None;
        }
        let who = &body.from;
        let target = body.target.unwrap_or_default();
        let text = match (&body.text, &body.content) {
            (Some(text), _) => plain::text(text),
            (None, Some(content)) => plain::text(content.get()),
            (None, None) => String::new(),
        };
        match body.kind {
            EventKind::Message if seq <= self.shown => None,
            EventKind::Message => {
                self.note(seq, who);
                (!typed).then(|| format!("{} {who}: {text}", clock(body.sent_at)))
            }
            EventKind::Edited => Some(format!("-- {who} changed message {target}: {text}")),
            EventKind::Deleted => Some(format!("-- {who} took message {target} back")),
            EventKind::Reacted => {
                let emoji = plain::line(body.emoji.as_deref().unwrap_or_default());
                let sign = if body.active == Some(false) { "-" } else { "+" };
                Some(format!("-- {who} {sign}{emoji} on message {target}"))
            }
        }
    }

    /// Shows that somebody has read the user's own last message, once.
    fn receipt(&mut self, receipt: &Receipt) -> Option<String> {
        let read = receipt.read?;
        if !self.is_here(receipt.conversation) || receipt.user == self.me || self.own == 0 {
            return None;
        }
        let before = self.read.insert(receipt.user.clone(), read).unwrap_or(0);
        (before < self.own && read >= self.own).then(|| format!("-- {} has read it", receipt.user))
    }

    fn note(&mut self, seq: u64, author: &Username) {
        self.shown = seq;
        if *author == self.me {
            self.own = seq;
        }
    }

    fn is_here(&self, conversation: ConversationId) -> bool {
        self.conversation == Some(conversation)
    }
}

/// Gives the time of day in UTC.
pub(super) fn clock(time: Timestamp) -> String {
    time.to_string().get(11..16).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use protocol::{EventBody, Position};

    use super::*;

    const HERE: ConversationId = ConversationId([1; 16]);

    fn name(name: &str) -> Username {
        Username::new(name).unwrap()
    }

    fn view() -> View {
        View::new(name("ada"), Destination::User(name("bob")), Some(HERE))
    }

    fn event(kind: EventKind, seq: u64, from: &str, text: &str) -> ChatEvent {
        let id = ClientId::new(&format!("{from}{seq}")).unwrap();
        let mut body = EventBody::new(kind, name(from), id, Timestamp(0));
        (body.text, body.target) = (Some(text.to_owned()), Some(1));
        Logged { conversation: HERE, position: Position { r#gen: 1, seq }, body }.into()
    }

    #[test]
    fn messages_are_shown_once_and_made_harmless() {
        let mut view = view();
        let message = event(EventKind::Message, 1, "bob", "hi\u{1b}[2J");
        assert_eq!(view.present(&message).unwrap(), r"00:00 bob: hi\u{1b}[2J");
        assert_eq!(view.present(&message), None);
        let edit = event(EventKind::Edited, 2, "bob", "hello");
        assert_eq!(view.present(&edit).unwrap(), "-- bob changed message 1: hello");
    }

    #[test]
    fn what_was_typed_here_is_not_repeated_but_what_comes_from_elsewhere_is_shown() {
        let mut view = view();
        view.typed(ClientId::new("ada1").unwrap());
        assert_eq!(view.present(&event(EventKind::Message, 1, "ada", "typed here")), None);
        assert!(view.present(&event(EventKind::Message, 2, "ada", "typed elsewhere")).is_some());
    }

    #[test]
    fn a_receipt_is_worth_a_line_once() {
        let mut view = view();
        view.present(&event(EventKind::Message, 4, "ada", "read me"));
        let receipt = |read| {
            ChatEvent::Receipt(Receipt {
                conversation: HERE,
                user: name("bob"),
                delivered: None,
                read: Some(read),
            })
        };
        assert_eq!(view.present(&receipt(3)), None);
        assert_eq!(view.present(&receipt(4)).unwrap(), "-- bob has read it");
        assert_eq!(view.present(&receipt(5)), None);
    }

    #[test]
    fn other_conversations_are_not_shown() {
        let mut view = View::new(name("ada"), Destination::User(name("bob")), None);
        assert_eq!(view.present(&event(EventKind::Message, 1, "eve", "psst")), None);
        view.made(HERE);
        assert!(view.present(&event(EventKind::Message, 1, "bob", "hi")).is_some());
    }
}
