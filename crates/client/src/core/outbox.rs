//! Requests that wait for an answer.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::ClientId;

/// A request without an answer is sent again after this long, even on a connection that stands: it has the same id.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Requests in the order in which they were made. Each stays until it is answered and is sent again, in that order,
/// after a lost connection: the server knows it by its id.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    entries: VecDeque<Entry<T>>,
    /// How many requests may be under way at once.
    window: usize,
    under_way: usize,
    /// Nothing is sent before: the server said so.
    paused_until: Option<Duration>,
}

#[derive(Debug)]
struct Entry<T> {
    id: ClientId,
    request: T,
    /// When it was sent on this connection.
    sent_at: Option<Duration>,
}

impl<T> Outbox<T> {
    pub(crate) fn new(window: usize) -> Self {
        Self { entries: VecDeque::new(), window: window.max(1), under_way: 0, paused_until: None }
    }

    /// Takes a request.
    pub(crate) fn push(&mut self, id: ClientId, request: T) {
        self.entries.push_back(Entry { id, request, sent_at: None });
    }

    /// Gives the next request to send at `now`, and counts it as sent.
    pub(crate) fn next(&mut self, now: Duration) -> Option<(&ClientId, &T)> {
        if self.paused_until.is_some_and(|until| now < until) {
            return None;
        }
        self.paused_until = None;
        self.take_back_overdue(now);
        if self.under_way >= self.window.min(self.entries.len()) {
            return None;
        }
        let entry = self.entries.iter_mut().find(|entry| entry.sent_at.is_none())?;
        entry.sent_at = Some(now);
        self.under_way += 1;
        Some((&entry.id, &entry.request))
    }

    /// Takes out the request that was answered.
    pub(crate) fn answered(&mut self, id: &ClientId) -> Option<T> {
        let place = self.entries.iter().position(|entry| entry.id == *id)?;
        let entry = self.entries.remove(place)?;
        self.under_way -= usize::from(entry.sent_at.is_some());
        Some(entry.request)
    }

    /// Takes note that the server wants this request again, not before `wait` has passed; the ones after it wait as well.
    pub(crate) fn postponed(&mut self, id: &ClientId, wait: Duration, now: Duration) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == *id) else { return };
        self.under_way -= usize::from(entry.sent_at.take().is_some());
        let until = now.saturating_add(wait);
        self.paused_until = Some(self.paused_until.map_or(until, |paused| paused.max(until)));
    }

    /// Takes note that what was sent may not have arrived.
    pub(crate) fn disconnected(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.sent_at = None);
        (self.under_way, self.paused_until) = (0, None);
    }

    /// Says when to look for requests to send again, if not before.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        let overdue = self.entries.iter().filter_map(|entry| entry.sent_at).min();
        self.paused_until.or(overdue.map(|sent_at| sent_at.saturating_add(ANSWER_WITHIN)))
    }

    /// Takes out everything.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.under_way = 0;
        std::mem::take(&mut self.entries).into_iter().map(|entry| entry.request)
    }

    fn take_back_overdue(&mut self, now: Duration) {
        for entry in &mut self.entries {
            if entry.sent_at.is_some_and(|sent_at| now >= sent_at.saturating_add(ANSWER_WITHIN)) {
                entry.sent_at = None;
                self.under_way -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn id(number: usize) -> ClientId {
        ClientId::new(&number.to_string()).unwrap()
    }

    fn outbox(count: usize) -> Outbox<usize> {
        let mut outbox = Outbox::new(8);
        (0..count).for_each(|number| outbox.push(id(number), number));
        outbox
    }

    fn sendable(outbox: &mut Outbox<usize>, now: Duration) -> Vec<usize> {
        std::iter::from_fn(|| outbox.next(now).map(|(_, number)| *number)).collect()
    }

    #[test]
    fn what_was_not_answered_is_sent_again_in_order_after_a_cut() {
        let mut outbox = outbox(4);
        assert_eq!(sendable(&mut outbox, NOW), [0, 1, 2, 3]);
        assert_eq!(outbox.answered(&id(1)), Some(1));
        assert_eq!(outbox.answered(&id(1)), None);
        assert!(sendable(&mut outbox, NOW).is_empty());
        outbox.disconnected();
        assert_eq!(sendable(&mut outbox, NOW), [0, 2, 3]);
    }

    #[test]
    fn no_more_are_under_way_than_the_window_allows() {
        let mut outbox = outbox(20);
        assert_eq!(sendable(&mut outbox, NOW).len(), 8);
        outbox.answered(&id(3));
        assert_eq!(sendable(&mut outbox, NOW), [8]);
    }

    #[test]
    fn a_postponed_request_holds_back_those_after_it() {
        let mut outbox = outbox(10);
        sendable(&mut outbox, NOW);
        outbox.postponed(&id(7), Duration::from_secs(2), NOW);
        assert_eq!(outbox.wake_at(), Some(NOW + Duration::from_secs(2)));
        assert!(sendable(&mut outbox, NOW + Duration::from_secs(1)).is_empty());
        assert_eq!(sendable(&mut outbox, NOW + Duration::from_secs(2)), [7]);
    }

    #[test]
    fn a_request_that_is_never_answered_is_sent_again() {
        let mut outbox = outbox(1);
        sendable(&mut outbox, NOW);
        let late = outbox.wake_at().unwrap();
        assert_eq!(late, NOW + ANSWER_WITHIN);
        assert_eq!(sendable(&mut outbox, late), [0]);
    }

    proptest! {
        #[test]
        fn every_request_is_sent_until_it_is_answered(steps in proptest::collection::vec((0_usize..12, 0_u8..4), 0..200)) {
            let mut outbox = outbox(12);
            let (mut now, mut open) = (NOW, (0..12).collect::<std::collections::BTreeSet<usize>>());
            for (number, step) in steps {
                now += Duration::from_millis(10);
                match step {
                    0 => prop_assert_eq!(outbox.answered(&id(number)).is_some(), open.remove(&number)),
                    1 => outbox.postponed(&id(number), Duration::from_millis(15), now),
                    2 => outbox.disconnected(),
                    _ => drop(sendable(&mut outbox, now)),
                }
                prop_assert_eq!(outbox.under_way, outbox.entries.iter().filter(|entry| entry.sent_at.is_some()).count());
            }
            // Whatever happened: with answers from now on, everything is answered.
            let mut answered = std::collections::BTreeSet::new();
            now += Duration::from_secs(1000);
            loop {
                let sent = sendable(&mut outbox, now);
                if sent.is_empty() {
                    break;
                }
                for number in sent {
                    outbox.answered(&id(number));
                    answered.insert(number);
                }
            }
            prop_assert_eq!(answered, open);
        }
    }
}
