//! Showing a conversation's events to the sockets of this shard, each once and in the log's order.

use std::sync::Arc;

use protocol::{Event, EventBody, Username};
use session::Offer;

use crate::conversation::{Arrival, LocalConversation, State};
use crate::shard::Shared;

impl Shared {
    /// Takes an event that arrived, from a socket of this shard (`origin`) or by a hint.
    ///
    /// If others must come first, they are awaited for a moment, then read from the log.
    pub(crate) fn arrived(&self, conversation: &Arc<LocalConversation>, event: Event, origin: Option<u64>) {
        let position = event.position;
        let mut state = conversation.state.lock();
        match state.sequencer.offer(position, Arrival { event, origin }) {
            Offer::Next(arrivals) => self.show(&mut state, &arrivals),
            Offer::Known => {}
            Offer::Early => {
                self.metrics.early.inc();
                self.repairs.later(conversation.id);
            }
        }
    }

    /// Takes an event read from the log.
    pub(crate) fn filled(&self, state: &mut State, event: Event) {
        let position = event.position;
        if let Offer::Next(arrivals) = state.sequencer.fill(position, Arrival { event, origin: None }) {
            self.show(state, &arrivals);
        }
    }

    /// Puts events into the queues of the members' sockets, under the conversation's lock.
    fn show(&self, state: &mut State, arrivals: &[Arrival]) {
        let mut deliveries = 0;
        for Arrival { event, origin } in arrivals {
            // Encoded once, whoever receives it.
            let frame = websocket::text(&event.frame());
            for user in &state.locals {
                for connection in user.connections.lock().iter() {
                    if Some(connection.id) != *origin {
                        connection.live(event.conversation, event.position.seq, frame.clone());
                        deliveries += 1;
                    }
                }
            }
        }
        self.metrics.delivered.inc_by(deliveries);
        if let Some(last) = arrivals.last()
            && state.record.members.len() <= self.options.marks_members
        {
            let author = author(&last.event);
            for user in state.locals.iter().filter(|user| Some(&user.name) != author.as_ref()) {
                self.marks.delivered(last.event.conversation, &user.name, last.event.position.seq);
            }
        }
    }
}

/// Reads who did it; a body that cannot be read has no author.
fn author(event: &Event) -> Option<Username> {
    EventBody::decode(&event.body).ok().map(|body| body.from)
}
