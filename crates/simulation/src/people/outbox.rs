//! The requests of a device that wait for their acks: each is said again, under the same id, until it is answered.

use std::time::Duration;

use protocol::ClientId;
use tokio::time::Instant;

use crate::history::{Request, To};

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: ClientId,
    pub(super) to: To,
    pub(super) request: Request,
    pub(super) reply_to: Option<u64>,
}

/// The requests of a device, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    pending: Pending,
    /// When it is to be said, if it was said already on this connection: said again.
    due: Option<Instant>,
    /// Whether an answer came already, so that this is a repetition that nobody waits for.
    answered: bool,
}

impl Outbox {
    /// Takes a request.
    pub(super) fn push(&mut self, pending: Pending) {
        self.entries.push(Entry { pending, due: None, answered: false });
    }

    /// Takes a request that was answered, to be said once more all the same.
    pub(super) fn repeat(&mut self, pending: Pending, at: Instant) {
        self.entries.push(Entry { pending, due: Some(at), answered: true });
    }

    /// Takes note of a new connection, on which nothing was said yet.
    pub(super) fn connected(&mut self) {
        self.entries.iter_mut().filter(|entry| !entry.answered).for_each(|entry| entry.due = None);
    }

    /// Drops the repetitions.
    pub(super) fn repeat_nothing(&mut self) {
        self.entries.retain(|entry| !entry.answered);
    }

    /// Gives the next request that is to be said now; without an answer it is due again after a while.
    pub(super) fn next(&mut self, now: Instant, again: Duration) -> Option<Pending> {
        let is_due = |entry: &Entry| entry.due.is_none_or(|due| due <= now);
        let index = self.entries.iter().position(is_due)?;
        if self.entries[index].answered {
            return Some(self.entries.remove(index).pending);
        }
        self.entries[index].due = Some(now + again);
        Some(self.entries[index].pending.clone())
    }

    /// Gives when something is to be said again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.entries.iter().filter_map(|entry| entry.due).min()
    }

    /// Takes out a request that was answered; nothing if it had been answered before.
    pub(super) fn answered(&mut self, id: &ClientId) -> Option<Pending> {
        let index = self.entries.iter().position(|entry| !entry.answered && entry.pending.id == *id)?;
        Some(self.entries.remove(index).pending)
    }

    /// Takes note that the server wants a request another time.
    pub(super) fn postpone(&mut self, id: &ClientId, until: Instant) {
        let same = |entry: &&mut Entry| !entry.answered && entry.pending.id == *id;
        if let Some(entry) = self.entries.iter_mut().find(same) {
            entry.due = Some(until);
        }
    }

    /// Says whether an answer is waited for.
    pub(super) fn waits(&self) -> bool {
        self.entries.iter().any(|entry| !entry.answered)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use protocol::Username;

    use super::*;

    const AGAIN: Duration = Duration::from_secs(4);

    fn pending(id: &str) -> Pending {
        Pending {
            id: ClientId::new(id).unwrap(),
            to: To::User(Username::new("ben").unwrap()),
            request: Request::Message { text: id.to_owned() },
            reply_to: None,
        }
    }

    fn said(outbox: &mut Outbox, now: Instant) -> Vec<String> {
        let next = std::iter::from_fn(|| outbox.next(now, AGAIN));
        next.map(|pending| pending.id.as_str().to_owned()).collect()
    }

    #[test]
    fn what_is_not_answered_is_said_again() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.push(pending("a"));
        outbox.push(pending("b"));
        assert_eq!(said(&mut outbox, now), ["a", "b"]);
        assert!(said(&mut outbox, now).is_empty());
        assert!(outbox.answered(&pending("a").id).is_some());
        assert_eq!(said(&mut outbox, now + AGAIN), ["b"]);
        outbox.postpone(&pending("b").id, now + 3 * AGAIN);
        assert!(said(&mut outbox, now + 2 * AGAIN).is_empty());
        outbox.connected();
        assert_eq!(said(&mut outbox, now), ["b"]);
        assert!(outbox.waits());
    }

    #[test]
    fn a_repetition_is_said_once_and_waited_for_by_nobody() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        outbox.repeat(pending("a"), now + AGAIN);
        outbox.connected();
        assert!(!outbox.waits() && outbox.answered(&pending("a").id).is_none());
        assert!(said(&mut outbox, now).is_empty());
        assert_eq!(said(&mut outbox, now + AGAIN), ["a"]);
        assert!(said(&mut outbox, now + 9 * AGAIN).is_empty());
    }
}
