//! Where the application is in its conversations: what it has seen, what is early, what is missing.

mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::chat::{Cursor, NotRecovered, Resumed};
use protocol::{ConversationId, Position};

use self::track::Track;

/// What early events may hold in all; beyond, they are dropped and asked for again.
const MAX_HELD_BYTES: usize = 16 << 20;

/// A resume is repeated if nothing was heard of it for this long.
const RESUMED_WITHIN: Duration = Duration::from_secs(60);

/// Something for the application, in the order in which it is to see it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery<E> {
    /// The conversation's next event.
    Event(E),
    /// Events are missing and will not come: the history has them.
    Gap {
        /// The conversation.
        conversation: ConversationId,
        /// The last event that was delivered, if there was one.
        last: Option<Position>,
        /// Delivery goes on after this place.
        position: Position,
        /// Why, if the server said so.
        reason: Option<NotRecovered>,
    },
}

/// The cursors of all conversations, and the resumes that bring what is missing.
#[derive(Debug)]
pub(crate) struct Cursors<E> {
    tracks: BTreeMap<ConversationId, Track<E>>,
    resume: Resume,
    held_bytes: usize,
    /// Whether early events were dropped since the last resume was asked for.
    dropped: bool,
    /// Since when something is missing.
    gap_since: Option<Duration>,
    /// How often in a row a resume has left something missing.
    fruitless: u32,
    /// How long something may be missing before it is asked for: an ack overtakes the events of others.
    patience: Duration,
    /// Counts arrivals, to tell which conversations are lively.
    arrivals: u64,
}

#[derive(Debug)]
enum Resume {
    /// To be asked for, not before this time.
    Owed(Duration),
    /// Asked for; something was heard then. The conversations had early events when it was asked.
    Asked { heard: Duration, about: BTreeSet<ConversationId> },
    /// Over.
    Done,
}

impl<E> Cursors<E> {
    /// Starts at `positions`; conversations that are not among them are new.
    pub(crate) fn new(
        positions: impl IntoIterator<Item = (ConversationId, Position)>,
        patience: Duration,
    ) -> Self {
        let track = |(conversation, position)| (conversation, Track::at(Some(position)));
        Self {
            tracks: positions.into_iter().map(track).collect(),
            resume: Resume::Owed(Duration::ZERO),
            held_bytes: 0,
            dropped: false,
            gap_since: None,
            fruitless: 0,
            patience,
            arrivals: 0,
        }
    }

    /// Gives the last event that was delivered of each conversation.
    pub(crate) fn positions(&self) -> BTreeMap<ConversationId, Position> {
        let position = |(id, track): (&ConversationId, &Track<E>)| track.cursor.map(|cursor| (*id, cursor));
        self.tracks.iter().filter_map(position).collect()
    }

    /// Takes note of a new connection: what was missed is to be asked for.
    pub(crate) fn connected(&mut self) {
        self.resume = Resume::Owed(Duration::ZERO);
    }

    /// Gives when a resume is to be asked for, if one is.
    pub(crate) fn resume_at(&self) -> Option<Duration> {
        match &self.resume {
            Resume::Owed(not_before) => Some(*not_before),
            Resume::Asked { heard, .. } => Some(heard.saturating_add(RESUMED_WITHIN)),
            Resume::Done => {
                let patience = self.patience.saturating_mul(1 << self.fruitless.min(6));
                self.gap_since.map(|since| since.saturating_add(patience))
            }
        }
    }

    /// Asks for a resume: gives its cursors, of the `limit` liveliest conversations. The server sends the others from
    /// where it sees fit; what was seen is dropped.
    pub(crate) fn ask(&mut self, now: Duration, limit: usize) -> BTreeMap<ConversationId, Cursor> {
        let early = |(id, track): (&ConversationId, &Track<E>)| (!track.held.is_empty()).then_some(*id);
        let about = self.tracks.iter().filter_map(early).collect();
        (self.resume, self.dropped) = (Resume::Asked { heard: now, about }, false);
        let mut cursors: Vec<_> = self
            .tracks
            .iter()
            .filter_map(|(id, track)| track.cursor.map(|cursor| (track.arrived, *id, cursor)))
            .collect();
        if cursors.len() > limit {
            cursors.sort_unstable_by_key(|(arrived, ..)| std::cmp::Reverse(*arrived));
            cursors.truncate(limit);
        }
        cursors.into_iter().map(|(_, id, cursor)| (id, Cursor::Position(cursor))).collect()
    }

    /// Takes note that the server refused the resume: it is asked for again after `wait`.
    pub(crate) fn refused(&mut self, wait: Duration, now: Duration) {
        if matches!(self.resume, Resume::Asked { .. }) {
            self.resume = Resume::Owed(now.saturating_add(wait));
        }
    }

    /// Takes an event of `size` bytes and gives what the application is to see now, if anything.
    pub(crate) fn arrive(
        &mut self,
        conversation: ConversationId,
        position: Position,
        (event, size): (E, usize),
        now: Duration,
    ) -> Vec<Delivery<E>> {
        if let Resume::Asked { heard, .. } = &mut self.resume {
            *heard = now;
        }
        self.arrivals += 1;
        let track = self.tracks.entry(conversation).or_default();
        track.arrived = self.arrivals;
        let mut out = Vec::new();
        if track.is_next(position) {
            track.cursor = Some(position);
            out.push(Delivery::Event(event));
            self.held_bytes -= track.release(&mut out);
        } else if track.cursor.is_none_or(|cursor| position > cursor) {
            if self.held_bytes + size > MAX_HELD_BYTES {
                self.dropped = true;
            } else {
                self.held_bytes = self.held_bytes + size - track.hold(position, event, size);
            }
        }
        self.watch_gaps(now);
        out
    }

    /// Takes the end of a resume and gives what the application is to see now.
    pub(crate) fn resumed(
        &mut self,
        places: &BTreeMap<ConversationId, Resumed>,
        now: Duration,
    ) -> Vec<Delivery<E>> {
        let about = match std::mem::replace(&mut self.resume, Resume::Done) {
            Resume::Asked { about, .. } => about,
            Resume::Owed(_) | Resume::Done => BTreeSet::new(),
        };
        let mut out = Vec::new();
        for (id, place) in places {
            let track = self.tracks.entry(*id).or_default();
            self.held_bytes -= track.settle(*id, place, &mut out);
            if place.reason == Some(NotRecovered::NotAMember) {
                self.forget(*id);
            }
        }
        // The server says nothing of these, and they were missing something: that will not come.
        for id in about.into_iter().filter(|id| !places.contains_key(id)) {
            if let Some(track) = self.tracks.get_mut(&id) {
                self.held_bytes -= track.give_up(id, &mut out);
            }
        }
        self.gap_since = None;
        self.watch_gaps(now);
        self.fruitless = if self.gap_since.is_some() { self.fruitless + 1 } else { 0 };
        out
    }

    /// Forgets a conversation that the user has left.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        if let Some(track) = self.tracks.remove(&conversation) {
            self.held_bytes -= track.held_bytes();
        }
    }

    fn watch_gaps(&mut self, now: Duration) {
        if self.held_bytes > 0 || self.dropped {
            self.gap_since.get_or_insert(now);
        } else {
            self.gap_since = None;
        }
    }
}

#[cfg(test)]
mod tests;
