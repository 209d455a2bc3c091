//! Showing a conversation's events to the sockets of this shard, each once and in the log's order.

use std::sync::Arc;

use protocol::{Event, EventBody};
use session::Offer;

use crate::clients::LocalUser;
use crate::conversation::{LocalConversation, State};
use crate::shard::Shared;

impl Shared {
    /// Takes an event that arrived, from a socket of this shard or by a hint.
    ///
    /// If others must come first, they are awaited for a moment, then read from the log.
    pub(crate) fn arrived(&self, conversation: &Arc<LocalConversation>, event: Event) {
        let mut state = conversation.state.lock();
        match state.sequencer.offer(event.position, event) {
            Offer::Next(events) => self.show(&state, &events),
            Offer::Known => {}
            Offer::Early => {
                self.metrics.early.inc();
                self.repairs.later(conversation.id);
            }
        }
    }

    /// Takes an event read from the log.
    pub(crate) fn filled(&self, state: &mut State, event: Event) {
        if let Offer::Next(events) = state.sequencer.fill(event.position, event) {
            self.show(state, &events);
        }
    }

    /// Puts events into the queues of the members' sockets, under the conversation's lock.
    fn show(&self, state: &State, events: &[Event]) {
        for event in events {
            self.show_to(state, &state.locals, event);
        }
    }

    /// Puts an event into the queues of some members' sockets, under the conversation's lock.
    pub(crate) fn show_to(&self, state: &State, users: &[Arc<LocalUser>], event: &Event) {
        let body = match EventBody::decode(&event.body) {
            Ok(body) => body,
            Err(error) => {
                // The log is the truth: what it holds and nobody can read is passed over, and the order goes on.
                tracing::error!(%error, ?event, "an event cannot be read");
                return;
            }
        };
        // Encoded once, whoever receives it.
        let frame = websocket::text(&event.frame());
        let (conversation, seq) = (event.conversation, event.position.seq);
        let mut deliveries = 0;
        for user in users {
            let is_author = user.name == body.from;
            for connection in user.connections.lock().iter() {
                if !is_author || !connection.end_sending(conversation, &body.id) {
                    connection.live(conversation, seq, frame.clone());
                    deliveries += 1;
                }
            }
            if !is_author {
                self.delivered(state, user, seq);
            }
        }
        self.metrics.delivered.inc_by(deliveries);
    }

    /// Takes note that an event was put into the queue of one of a member's sockets; not in large conversations.
    pub(crate) fn delivered(&self, state: &State, user: &LocalUser, seq: u64) {
        if state.record.members.len() <= self.options.marks_members {
            self.marks.delivered(state.record.id, &user.name, seq);
        }
    }
}
