//! Where a device is in its conversations: what it has been shown, and what it asks for when it comes back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::chat::{NotRecovered, Resumed};
use protocol::{ConversationId, Position};

use crate::dice::Dice;

/// How many places of the past a device remembers of each conversation, to come back with an older cursor.
const REMEMBERED: usize = 40;

/// Where a device is in its conversations.
#[derive(Debug, Default)]
pub(super) struct Places {
    places: BTreeMap<ConversationId, Place>,
    /// Whether what comes may be what was asked for, rather than news.
    resuming: bool,
}

/// With what a device comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursors {
    /// With what it has.
    Own,
    /// With older ones than it has.
    Older,
    /// With none.
    None,
}

#[derive(Debug, Default)]
struct Place {
    /// Everything up to here is known, from where the conversation begins for the user.
    cursor: Option<Position>,
    /// What is known beyond: own requests whose acks came before the events of others.
    early: BTreeSet<Position>,
    /// The last place that was heard of on this connection.
    heard: Option<Position>,
    /// Earlier cursors, the oldest first.
    trail: VecDeque<Position>,
}

impl Places {
    /// Takes note of a new connection.
    pub(super) fn connected(&mut self) {
        self.resuming = false;
        for place in self.places.values_mut() {
            // What is not joined up comes again.
            place.early.clear();
            place.heard = None;
        }
    }

    /// Gives the cursors to ask with.
    pub(super) fn ask(&mut self, cursors: Cursors, dice: &Dice) -> BTreeMap<ConversationId, Position> {
        self.resuming = true;
        let older = |place: &Place| {
            let back = dice.pick(&[0_usize, 1, 2, 5, 15, REMEMBERED]).copied().unwrap_or(0);
            let index = place.trail.len().checked_sub(1)?.saturating_sub(back);
            place.trail.get(index).copied()
        };
        let cursor = |place: &Place| match cursors {
            Cursors::Own => place.cursor,
            Cursors::Older => older(place),
            Cursors::None => None,
        };
        self.places.iter().filter_map(|(id, place)| Some((*id, cursor(place)?))).collect()
    }

    /// Takes an event that came, and says whether the history has to be read anew: the log may have lost a tail.
    pub(super) fn shown(&mut self, conversation: ConversationId, position: Position) -> bool {
        let resuming = self.resuming;
        let place = self.places.entry(conversation).or_default();
        place.heard = place.heard.max(Some(position));
        let doubtful = match place.cursor {
            // The first that comes is the first that there is for this user.
            None => false,
            Some(cursor) if position <= cursor => return false,
            Some(cursor) if position.r#gen > cursor.r#gen => {
                cursor.seq > 0 && (!resuming || position.seq != cursor.seq + 1)
            }
            Some(cursor) if position.seq == cursor.seq + 1 => false,
            Some(_) => {
                place.early.insert(position);
                return false;
            }
        };
        place.reach(position);
        place.join_up();
        doubtful
    }

    /// Takes the place of an own request's event; others may have come before it that are still on their way.
    pub(super) fn acked(&mut self, conversation: ConversationId, position: Position) {
        let place = self.places.entry(conversation).or_default();
        if place.cursor.is_none_or(|cursor| position > cursor) {
            place.early.insert(position);
            place.join_up();
        }
    }

    /// Takes the end of a resume, and gives the conversations whose history has to be read anew.
    pub(super) fn resumed(
        &mut self,
        conversations: &BTreeMap<ConversationId, Resumed>,
    ) -> Vec<ConversationId> {
        self.resuming = false;
        let mut doubtful = Vec::new();
        for (id, resumed) in conversations {
            if resumed.reason == Some(NotRecovered::NotAMember) {
                self.places.remove(id);
                continue;
            }
            if self.places.entry(*id).or_default().settle(resumed) {
                doubtful.push(*id);
            }
        }
        doubtful
    }

    /// Forgets a conversation that the user has left.
    pub(super) fn forget(&mut self, conversation: ConversationId) {
        self.places.remove(&conversation);
    }

    /// Says whether something is missing: events that come later are there. Where a conversation begins for a new member nobody knows before
    /// the first event comes.
    pub(super) fn lacks_something(&self) -> bool {
        self.places.values().any(|place| place.cursor.is_some() && !place.early.is_empty())
    }
}

impl Place {
    fn reach(&mut self, position: Position) {
        self.cursor = Some(position);
        if self.trail.len() == REMEMBERED {
            self.trail.pop_front();
        }
        self.trail.push_back(position);
    }

    /// Moves on over what is known beyond the cursor.
    fn join_up(&mut self) {
        while let Some(first) = self.early.first().copied() {
            let seen = self.cursor.is_some_and(|cursor| first <= cursor);
            let next = self.cursor.map_or(first.seq == 1, |cursor| {
                first.seq == cursor.seq + 1 && (first.r#gen == cursor.r#gen || cursor.seq == 0)
            });
            if !seen && !next {
                return;
            }
            self.early.pop_first();
            if next {
                self.reach(first);
            }
        }
    }

    /// Takes where the conversation stands after a resume, and says whether the history has to be read anew.
    fn settle(&mut self, resumed: &Resumed) -> bool {
        let end = Position { r#gen: resumed.r#gen, seq: resumed.seq };
        // What has passed live since the server wrote this.
        let news = self.heard.is_some_and(|heard| heard > end);
        let agrees = match self.cursor {
            None => true,
            Some(cursor) if cursor > end => news,
            Some(cursor) => cursor == end,
        };
        if !(news && self.cursor > Some(end)) && self.cursor != Some(end) {
            self.trail.retain(|position| *position <= end);
            self.reach(end);
        }
        self.join_up();
        !resumed.recovered || !agrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConversationId = ConversationId([1; 16]);

    fn at(r#gen: u64, seq: u64) -> Position {
        Position { r#gen, seq }
    }

    fn places(cursor: Position) -> Places {
        let mut places = Places::default();
        places.connected();
        places.shown(A, cursor);
        places
    }

    fn cursor(places: &mut Places) -> Option<Position> {
        let dice = Dice::new(1, "cursor");
        places.ask(Cursors::Own, &dice).get(&A).copied()
    }

    fn resumed(end: Position, reason: Option<NotRecovered>) -> BTreeMap<ConversationId, Resumed> {
        let recovered = reason.is_none();
        BTreeMap::from([(A, Resumed { seq: end.seq, r#gen: end.r#gen, recovered, reason })])
    }

    #[test]
    fn an_ack_that_overtakes_is_no_cursor() {
        let mut places = places(at(1, 4));
        places.acked(A, at(1, 6));
        assert_eq!((cursor(&mut places), places.lacks_something()), (Some(at(1, 4)), true));
        assert!(!places.shown(A, at(1, 5)));
        assert_eq!((cursor(&mut places), places.lacks_something()), (Some(at(1, 6)), false));
    }

    #[test]
    fn what_was_not_joined_up_is_asked_for_again() {
        let mut places = places(at(1, 4));
        places.acked(A, at(1, 6));
        places.connected();
        assert_eq!((cursor(&mut places), places.lacks_something()), (Some(at(1, 4)), false));
    }

    #[test]
    fn the_first_own_message_begins_a_conversation_and_a_later_one_does_not() {
        let mut places = Places::default();
        places.acked(A, at(1, 3));
        assert_eq!((cursor(&mut places), places.lacks_something()), (None, false));
        let mut places = Places::default();
        places.acked(A, at(1, 1));
        assert_eq!(cursor(&mut places), Some(at(1, 1)));
    }

    #[test]
    fn a_greater_generation_is_doubtful_unless_it_was_asked_for() {
        assert!(places(at(1, 4)).shown(A, at(2, 5)));
        assert!(places(at(1, 4)).shown(A, at(2, 3)));
        let mut places = places(at(1, 4));
        cursor(&mut places);
        assert!(!places.shown(A, at(2, 5)));
    }

    #[test]
    fn a_lost_tail_takes_the_cursor_back() {
        let mut places = places(at(1, 9));
        places.connected();
        cursor(&mut places);
        assert_eq!(places.resumed(&resumed(at(1, 7), Some(NotRecovered::LogLostTail))), [A]);
        assert_eq!(cursor(&mut places), Some(at(1, 7)));
        assert!(!places.shown(A, at(1, 8)));
    }

    #[test]
    fn a_log_that_ends_before_the_own_cursor_has_lost_a_tail_even_if_an_older_one_was_recovered() {
        let mut places = places(at(1, 9));
        places.connected();
        places.ask(Cursors::None, &Dice::new(1, "cursor"));
        places.shown(A, at(1, 7));
        assert_eq!(places.resumed(&resumed(at(1, 7), None)), [A]);
        assert_eq!(cursor(&mut places), Some(at(1, 7)));
    }

    #[test]
    fn what_passes_live_before_the_resume_ends_is_kept() {
        let mut places = places(at(1, 4));
        places.connected();
        cursor(&mut places);
        places.shown(A, at(1, 5));
        places.shown(A, at(1, 6));
        assert!(places.resumed(&resumed(at(1, 5), None)).is_empty());
        assert_eq!(cursor(&mut places), Some(at(1, 6)));
    }

    #[test]
    fn older_cursors_are_places_that_were_reached() {
        let (mut places, dice) = (places(at(1, 1)), Dice::new(1, "older"));
        (2..=9).for_each(|seq| assert!(!places.shown(A, at(1, seq))));
        let seqs = (0..100).filter_map(|_| places.ask(Cursors::Older, &dice).get(&A).map(|at| at.seq));
        let seqs: BTreeSet<u64> = seqs.collect();
        assert_eq!(seqs, BTreeSet::from([1, 4, 7, 8, 9]));
    }
}
