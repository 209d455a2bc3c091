//! What a device does with the frames that come: it writes them down, and learns from them.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::chat::{NotRecovered, Resumed};
use protocol::{ClientId, ConversationId, Position};
use tokio::time::Instant;

use super::connected::{Connected, Resume};
use crate::history::{Happened, Request};
use crate::people::incoming::Incoming;
use crate::people::places::Cursors;

/// How likely it is that a request is said once more although its ack came.
const REPEATS: f64 = 0.06;
/// How likely it is that a device does not go where it is told to, and waits for what comes.
const STAYS: f64 = 0.1;
/// After how long a request that the server did not want now is said again if the server does not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Connected<'_> {
    /// Takes a frame.
    pub(super) fn take(&mut self, text: &str) {
        let (device, connection) = (self.chat.device.id, self.connection);
        match Incoming::read(text) {
            Incoming::Event { conversation, position, event } => {
                self.chat.device.knowledge.lock().event(
                    &self.chat.device.user,
                    conversation,
                    position,
                    &event,
                );
                if self.chat.places.shown(conversation, position) {
                    self.chat.pages.want(conversation);
                }
                self.note(Happened::Shown { device, connection, conversation, position, event });
            }
            Incoming::Ack { id, conversation, position, duplicate } => {
                self.acked(&id, conversation, position);
                self.note(Happened::Acked { device, connection, id, conversation, position, duplicate });
            }
            Incoming::Receipt(receipt) => {
                self.note(Happened::ReceiptShown { device, connection, receipt });
            }
            Incoming::Typing { conversation, user, active } => {
                self.note(Happened::TypingShown { device, connection, conversation, user, active });
            }
            Incoming::Conversation(shown) => {
                self.chat.device.knowledge.lock().conversation(&self.chat.device.user, &shown);
                if shown.left {
                    self.chat.places.forget(shown.id);
                    self.chat.pages.forget(shown.id);
                }
                let members = shown.members.into_iter().map(|(member, _)| member).collect();
                let (conversation, left) = (shown.id, shown.left);
                self.note(Happened::ConversationShown { device, connection, conversation, members, left });
            }
            Incoming::Resumed(conversations) => {
                let doubtful = self.chat.places.resumed(&conversations);
                doubtful.into_iter().for_each(|conversation| self.chat.pages.want(conversation));
                self.forget_what_was_left(&conversations);
                self.resume = Resume::Done;
                self.note(Happened::Resumed { device, connection, conversations });
            }
            Incoming::Page { id, conversation, page } => self.page(&id, conversation, page),
            Incoming::Reconnect { url, after } => {
                if !self.chat.dice.chance(STAYS) {
                    self.go = Some((Instant::now() + after, url));
                }
            }
            Incoming::Error { id, code, retry_after } => {
                self.refused(id.as_ref(), &code, retry_after);
                self.note(Happened::Refused { device, connection, id, code });
            }
            Incoming::Pong => {}
            Incoming::Welcome(_) | Incoming::Presences(_) | Incoming::Unreadable => {
                let code = "unreadable".to_owned();
                self.note(Happened::Refused { device, connection, id: None, code });
            }
        }
    }

    fn acked(&mut self, id: &ClientId, conversation: ConversationId, position: Position) {
        self.chat.places.acked(conversation, position);
        let Some(pending) = self.chat.outbox.answered(id) else { return };
        if let Request::Message { .. } = pending.request {
            self.chat.device.knowledge.lock().message(conversation, position.seq, true);
        }
        if self.chat.dice.chance(REPEATS) {
            let at = Instant::now() + self.chat.dice.millis(1..=15_000);
            self.chat.outbox.repeat(pending, at);
        }
    }

    fn refused(&mut self, id: Option<&ClientId>, code: &str, retry_after: Option<Duration>) {
        let passes = matches!(code, "rate_limited" | "unavailable" | "internal");
        let wait = retry_after.unwrap_or(RETRY_AFTER) + self.chat.dice.millis(0..=500);
        let Some(id) = id else {
            // It may have been the resume, without which something would be missing.
            if matches!(self.resume, Resume::Asked(_)) && code == "rate_limited" {
                self.resume = Resume::Owed(Instant::now() + wait, Cursors::Own);
            }
            return;
        };
        if let Some(conversation) = self.chat.pages.asked(id).map(|asked| asked.conversation) {
            if !passes {
                self.chat.pages.forget(conversation);
            }
            self.pause();
        } else if passes {
            self.chat.outbox.postpone(id, Instant::now() + wait);
        } else {
            self.chat.outbox.answered(id);
        }
    }

    /// Forgets the histories of conversations of which the user is no member any more.
    fn forget_what_was_left(&mut self, conversations: &BTreeMap<ConversationId, Resumed>) {
        let not_a_member = Some(NotRecovered::NotAMember);
        let left = conversations.iter().filter(|(_, resumed)| resumed.reason == not_a_member);
        for (conversation, _) in left {
            self.chat.pages.forget(*conversation);
            self.chat.device.knowledge.lock().conversations.remove(conversation);
        }
    }
}
