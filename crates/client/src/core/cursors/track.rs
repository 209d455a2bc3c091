//! One conversation: its cursor, and the events that came too early.

use std::collections::BTreeMap;

use protocol::chat::{NotRecovered, Resumed};
use protocol::{ConversationId, Position};

use super::Delivery;

/// Where the application is in one conversation.
#[derive(Debug)]
pub(super) struct Track<E> {
    /// The last event that was delivered; nothing if the server has not yet said where the conversation begins for this user.
    pub(super) cursor: Option<Position>,
    /// Early events with their sizes, all after the cursor.
    pub(super) held: BTreeMap<Position, (E, usize)>,
    /// The number of the last arrival.
    pub(super) arrived: u64,
}

impl<E> Default for Track<E> {
    fn default() -> Self {
        Self::at(None)
    }
}

impl<E> Track<E> {
    pub(super) fn at(cursor: Option<Position>) -> Self {
        Self { cursor, held: BTreeMap::new(), arrived: 0 }
    }

    /// Says whether an event follows the cursor for certain.
    ///
    /// In a greater generation only the server knows: the log may have lost a tail before it, so that its events may be others than those seen.
    pub(super) fn is_next(&self, position: Position) -> bool {
        match self.cursor {
            None => position.seq == 1,
            Some(cursor) => {
                position.seq == cursor.seq + 1 && (position.r#gen == cursor.r#gen || cursor.seq == 0)
            }
        }
    }

    /// Keeps an early event; gives the size of one that was there already.
    pub(super) fn hold(&mut self, position: Position, event: E, size: usize) -> usize {
        self.held.insert(position, (event, size)).map_or(0, |(_, size)| size)
    }

    /// Delivers the early events that follow the cursor; gives the size of what is no longer held.
    pub(super) fn release(&mut self, out: &mut Vec<Delivery<E>>) -> usize {
        let mut released = 0;
        while let Some((position, (event, size))) = self.held.pop_first() {
            if self.is_next(position) {
                self.cursor = Some(position);
                out.push(Delivery::Event(event));
            } else if self.cursor.is_none_or(|cursor| position > cursor) {
                self.held.insert(position, (event, size));
                break;
            }
            released += size;
        }
        released
    }

    /// Takes what the server says at the end of a resume; gives the size of what is no longer held.
    pub(super) fn settle(
        &mut self,
        conversation: ConversationId,
        place: &Resumed,
        out: &mut Vec<Delivery<E>>,
    ) -> usize {
        let end = Position { r#gen: place.r#gen, seq: place.seq };
        let mut released = 0;
        if place.recovered {
            released += self.release_up_to(end, out);
        }
        let reached = match self.cursor {
            None => place.recovered,
            // After a loss the log may end before what was seen.
            Some(cursor) if place.reason == Some(NotRecovered::LogLostTail) => cursor == end,
            Some(cursor) => cursor >= end,
        };
        if !reached {
            out.push(Delivery::Gap { conversation, last: self.cursor, position: end, reason: place.reason });
            self.cursor = Some(end);
        }
        // Without anything to see yet, the conversation begins there.
        self.cursor.get_or_insert(end);
        released + self.release(out)
    }

    /// Goes on with the first early event although something before it is missing; gives the size of what is no longer held.
    pub(super) fn give_up(&mut self, conversation: ConversationId, out: &mut Vec<Delivery<E>>) -> usize {
        let Some(first) = self.held.first_key_value().map(|(position, _)| *position) else { return 0 };
        let before = Position { seq: first.seq.saturating_sub(1), ..first };
        out.push(Delivery::Gap { conversation, last: self.cursor, position: before, reason: None });
        self.cursor = Some(before);
        self.release(out)
    }

    /// Gives the size of all early events.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.values().map(|(_, size)| size).sum()
    }

    /// Delivers what the server has sent up to `end`: all that there is, so only the numbers must join up, whatever the generations.
    fn release_up_to(&mut self, end: Position, out: &mut Vec<Delivery<E>>) -> usize {
        let mut released = 0;
        while let Some((position, (event, size))) = self.held.pop_first() {
            let seen = self.cursor.is_some_and(|cursor| position <= cursor);
            let joins = self.cursor.is_none_or(|cursor| position.seq == cursor.seq + 1);
            if position > end || !(seen || joins) {
                self.held.insert(position, (event, size));
                break;
            }
            if !seen {
                self.cursor = Some(position);
                out.push(Delivery::Event(event));
            }
            released += size;
        }
        released
    }
}
