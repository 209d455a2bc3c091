//! Putting a conversation's events into the log's order.

use std::collections::BTreeMap;

use protocol::Position;

/// How many early events wait; what comes beyond is read from the log later.
const MAX_EARLY: usize = 256;

/// What became of an event that arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<T> {
    /// It was next: these are to be shown now, in this order.
    Next(Vec<T>),
    /// It was shown before.
    Known,
    /// Others must come first; if they do not, they are read from the log.
    Early,
}

/// Puts the events of one conversation into order: each is shown once, none before its predecessor.
///
/// The order is by generation, then by number. Within a generation numbers are dense. A greater generation means that the log may have lost a
/// tail: its first number may be any, so only the log says what comes next.
#[derive(Debug)]
pub struct Sequencer<T> {
    reached: Position,
    /// The greatest place that was heard of.
    newest: Position,
    early: BTreeMap<Position, T>,
}

impl<T> Sequencer<T> {
    /// Starts after `reached`.
    pub fn new(reached: Position) -> Self {
        Self { reached, newest: reached, early: BTreeMap::new() }
    }

    /// Gives the place of the last event that was shown.
    pub fn reached(&self) -> Position {
        self.reached
    }

    /// Says whether events wait for others.
    pub fn waits(&self) -> bool {
        !self.early.is_empty()
    }

    /// Takes note that the log goes up to `end`, or did.
    pub fn expect(&mut self, end: Position) {
        self.newest = self.newest.max(end);
    }

    /// Takes an event that arrived as news.
    pub fn offer(&mut self, position: Position, event: T) -> Offer<T> {
        self.expect(position);
        if position <= self.reached {
            return Offer::Known;
        }
        if !self.is_next(position) {
            if self.early.len() < MAX_EARLY {
                self.early.insert(position, event);
            }
            return Offer::Early;
        }
        self.reached = position;
        let mut next = vec![event];
        self.take_early(&mut next);
        Offer::Next(next)
    }

    /// Takes an event read from the log, where all between [`Sequencer::reached`] and it were read before.
    pub fn fill(&mut self, position: Position, event: T) -> Offer<T> {
        if position <= self.reached {
            return Offer::Known;
        }
        self.reached = position;
        let mut next = vec![event];
        self.take_early(&mut next);
        Offer::Next(next)
    }

    /// Gives the number after which the log is to be read so that nothing is missed.
    ///
    /// If a greater generation was heard of it lies before [`Sequencer::reached`]: after a loss, a generation begins at a smaller number.
    pub fn read_after(&self) -> u64 {
        if self.newest.r#gen > self.reached.r#gen {
            self.reached.seq.saturating_sub(MAX_LOST_TAIL)
        } else {
            self.reached.seq
        }
    }

    fn is_next(&self, position: Position) -> bool {
        // The very first event of a conversation may be of any generation.
        let same = position.r#gen == self.reached.r#gen || self.reached == Position::default();
        same && position.seq == self.reached.seq + 1
    }

    fn take_early(&mut self, next: &mut Vec<T>) {
        while let Some((position, event)) = self.early.pop_first() {
            if position <= self.reached {
                continue;
            }
            if !self.is_next(position) {
                self.early.insert(position, event);
                return;
            }
            self.reached = position;
            next.push(event);
        }
    }
}

/// How long a tail the log may lose at most, in events: what a conversation's rate limit of 200 a second lets in within 5 s.
const MAX_LOST_TAIL: u64 = 1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(r#gen: u64, seq: u64) -> Position {
        Position { r#gen, seq }
    }

    #[test]
    fn a_new_generation_is_believed_only_from_the_log() {
        let mut sequencer = Sequencer::new(at(1, 10));
        assert_eq!(sequencer.offer(at(2, 9), 'b'), Offer::Early);
        assert_eq!(sequencer.read_after(), 0);
        assert_eq!(sequencer.fill(at(1, 7), 'x'), Offer::Known);
        assert_eq!(sequencer.fill(at(2, 8), 'a'), Offer::Next(vec!['a', 'b']));
        assert_eq!(sequencer.reached(), at(2, 9));
        assert_eq!(sequencer.offer(at(1, 11), 'y'), Offer::Known);
    }

    #[test]
    fn a_generation_that_was_only_heard_of_is_read_from_its_beginning() {
        let mut sequencer = Sequencer::<char>::new(at(1, 1010));
        assert_eq!(sequencer.read_after(), 1010);
        sequencer.expect(at(2, 1009));
        assert_eq!(sequencer.read_after(), 10);
        sequencer.fill(at(2, 1009), 'a');
        assert_eq!(sequencer.read_after(), 1009);
    }

    #[test]
    fn early_events_that_found_no_room_are_remembered_as_heard_of() {
        let mut sequencer = Sequencer::new(at(1, 10));
        for seq in 20..20 + MAX_EARLY as u64 {
            sequencer.offer(at(1, seq), 'x');
        }
        assert_eq!(sequencer.offer(at(2, 9), 'y'), Offer::Early);
        assert_eq!(sequencer.read_after(), 0);
    }

    proptest! {
        #[test]
        fn whatever_the_order_each_is_shown_once_and_in_order(count in 1_u64..60, seed in proptest::collection::vec((0_u64..60, any::<bool>()), 0..200)) {
            let mut sequencer = Sequencer::new(Position::default());
            let mut shown = Vec::new();
            let arrivals = seed.into_iter().map(|(number, _)| number % count + 1);
            for seq in arrivals {
                if let Offer::Next(next) = sequencer.offer(at(1, seq), seq) {
                    shown.extend(next);
                }
            }
            // What never arrived is read from the log.
            for seq in sequencer.read_after() + 1..=count {
                if let Offer::Next(next) = sequencer.fill(at(1, seq), seq) {
                    shown.extend(next);
                }
            }
            prop_assert_eq!(shown, (1..=count).collect::<Vec<_>>());
            prop_assert!(!sequencer.waits());
        }

        #[test]
        fn what_waits_is_bounded(start in 2_u64..1000) {
            let mut sequencer = Sequencer::new(at(1, 0));
            for seq in start..start + 1000 {
                prop_assert_eq!(sequencer.offer(at(1, seq), seq), Offer::Early);
            }
            prop_assert_eq!(sequencer.early.len(), MAX_EARLY);
        }
    }
}
