//! Requests that wait for an answer.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use protocol::ClientId;

/// A request without an answer is sent again after this long, even on a connection that stands: it has the same id.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How many requests may be under way at once: so many are refused at most when a server's limit is reached.
const MAX_UNDER_WAY: usize = 64;

/// Requests in the order in which they were made. Each stays until it is answered and is sent again, in that order,
/// after a lost connection: the server knows it by its id.
///
/// A server may refuse a request for a while and take the next one. So requests that are to keep their order share a lane, of which
/// only a window is under way at once.
#[derive(Debug)]
pub(crate) struct Outbox<L, T> {
    entries: VecDeque<Entry<L, T>>,
    /// How many requests of each lane are under way.
    lanes: HashMap<L, usize>,
    /// How many of one lane may be.
    window: usize,
    under_way: usize,
    /// Nothing is sent before: the server said so.
    paused_until: Option<Duration>,
}

#[derive(Debug)]
struct Entry<L, T> {
    id: ClientId,
    /// The lane; without one, order does not matter.
    lane: Option<L>,
    request: T,
    /// When it was sent on this connection.
    sent_at: Option<Duration>,
}

impl<L: Clone + Eq + Hash, T> Outbox<L, T> {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            lanes: HashMap::new(),
            window: window.max(1),
            under_way: 0,
            paused_until: None,
        }
    }

    /// Takes a request.
    pub(crate) fn push(&mut self, id: ClientId, lane: Option<L>, request: T) {
        self.entries.push_back(Entry { id, lane, request, sent_at: None });
    }

    /// Gives the next request to send at `now`, and counts it as sent.
    pub(crate) fn next(&mut self, now: Duration) -> Option<(&ClientId, &T)> {
        if self.paused_until.is_some_and(|until| now < until) {
            return None;
        }
        self.paused_until = None;
        self.take_back_overdue(now);
        if self.under_way >= MAX_UNDER_WAY.min(self.entries.len()) {
            return None;
        }
        let is_free = |lane: &L| self.lanes.get(lane).is_none_or(|under_way| *under_way < self.window);
        let place = self
            .entries
            .iter()
            .position(|entry| entry.sent_at.is_none() && entry.lane.as_ref().is_none_or(is_free))?;
        let entry = &mut self.entries[place];
        entry.sent_at = Some(now);
        self.under_way += 1;
        if let Some(lane) = &entry.lane {
            *self.lanes.entry(lane.clone()).or_default() += 1;
        }
        Some((&entry.id, &entry.request))
    }

    /// Takes out the request that was answered.
    pub(crate) fn answered(&mut self, id: &ClientId) -> Option<T> {
        let place = self.place(id)?;
        self.take_back(place);
        self.entries.remove(place).map(|entry| entry.request)
    }

    /// Takes note that the server wants this request again, not before `wait` has passed; the ones after it wait as well.
    pub(crate) fn postponed(&mut self, id: &ClientId, wait: Duration, now: Duration) {
        let Some(place) = self.place(id) else { return };
        self.take_back(place);
        let until = now.saturating_add(wait);
        self.paused_until = Some(self.paused_until.map_or(until, |paused| paused.max(until)));
    }

    /// Takes note that what was sent may not have arrived.
    pub(crate) fn disconnected(&mut self) {
        (0..self.entries.len()).for_each(|place| self.take_back(place));
        self.paused_until = None;
    }

    /// Says when to look for requests to send again, if not before.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        let overdue = self.entries.iter().filter_map(|entry| entry.sent_at).min();
        self.paused_until.or(overdue.map(|sent_at| sent_at.saturating_add(ANSWER_WITHIN)))
    }

    /// Takes out everything.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.disconnected();
        std::mem::take(&mut self.entries).into_iter().map(|entry| entry.request)
    }

    fn place(&self, id: &ClientId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == *id)
    }

    /// Counts a request as not sent.
    fn take_back(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        if entry.sent_at.take().is_none() {
            return;
        }
        self.under_way -= 1;
        if let Some(lane) = &entry.lane
            && let Some(under_way) = self.lanes.get_mut(lane)
        {
            *under_way -= 1;
            if *under_way == 0 {
                self.lanes.remove(lane);
            }
        }
    }

    fn take_back_overdue(&mut self, now: Duration) {
        for place in 0..self.entries.len() {
            let sent_at = self.entries[place].sent_at;
            if sent_at.is_some_and(|sent_at| now >= sent_at.saturating_add(ANSWER_WITHIN)) {
                self.take_back(place);
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

    /// An outbox with requests in two lanes by turns.
    fn outbox(count: usize, window: usize) -> Outbox<bool, usize> {
        let mut outbox = Outbox::new(window);
        (0..count).for_each(|number| outbox.push(id(number), Some(number % 2 == 1), number));
        outbox
    }

    fn sendable(outbox: &mut Outbox<bool, usize>, now: Duration) -> Vec<usize> {
        std::iter::from_fn(|| outbox.next(now).map(|(_, number)| *number)).collect()
    }

    #[test]
    fn what_was_not_answered_is_sent_again_in_order_after_a_cut() {
        let mut outbox = outbox(4, 8);
        assert_eq!(sendable(&mut outbox, NOW), [0, 1, 2, 3]);
        assert_eq!(outbox.answered(&id(1)), Some(1));
        assert_eq!(outbox.answered(&id(1)), None);
        assert!(sendable(&mut outbox, NOW).is_empty());
        outbox.disconnected();
        assert_eq!(sendable(&mut outbox, NOW), [0, 2, 3]);
    }

    #[test]
    fn a_lane_of_one_keeps_its_order_whatever_the_server_refuses() {
        let mut outbox = outbox(6, 1);
        assert_eq!(sendable(&mut outbox, NOW), [0, 1]);
        outbox.postponed(&id(0), Duration::from_secs(1), NOW);
        outbox.answered(&id(1));
        assert_eq!(sendable(&mut outbox, NOW + Duration::from_secs(1)), [0, 3]);
        outbox.answered(&id(0));
        assert_eq!(sendable(&mut outbox, NOW + Duration::from_secs(1)), [2]);
    }

    #[test]
    fn what_has_no_lane_waits_for_nothing_but_the_limit_of_all() {
        let mut outbox: Outbox<bool, usize> = Outbox::new(1);
        (0..100).for_each(|number| outbox.push(id(number), None, number));
        assert_eq!(sendable(&mut outbox, NOW), (0..MAX_UNDER_WAY).collect::<Vec<_>>());
        outbox.answered(&id(3));
        assert_eq!(sendable(&mut outbox, NOW), [MAX_UNDER_WAY]);
    }

    #[test]
    fn a_postponed_request_holds_back_those_after_it() {
        let mut outbox = outbox(10, 8);
        sendable(&mut outbox, NOW);
        outbox.postponed(&id(7), Duration::from_secs(2), NOW);
        assert_eq!(outbox.wake_at(), Some(NOW + Duration::from_secs(2)));
        assert!(sendable(&mut outbox, NOW + Duration::from_secs(1)).is_empty());
        assert_eq!(sendable(&mut outbox, NOW + Duration::from_secs(2)), [7]);
    }

    #[test]
    fn a_request_that_is_never_answered_is_sent_again() {
        let mut outbox = outbox(1, 1);
        sendable(&mut outbox, NOW);
        let late = outbox.wake_at().unwrap();
        assert_eq!(late, NOW + ANSWER_WITHIN);
        assert_eq!(sendable(&mut outbox, late), [0]);
    }

    proptest! {
        #[test]
        fn every_request_is_sent_until_it_is_answered(window in 1_usize..4, steps in proptest::collection::vec((0_usize..12, 0_u8..4), 0..200)) {
            let mut outbox = outbox(12, window);
            let (mut now, mut open) = (NOW, (0..12).collect::<std::collections::BTreeSet<usize>>());
            for (number, step) in steps {
                now += Duration::from_millis(10);
                match step {
                    0 => prop_assert_eq!(outbox.answered(&id(number)).is_some(), open.remove(&number)),
                    1 => outbox.postponed(&id(number), Duration::from_millis(15), now),
                    2 => outbox.disconnected(),
                    _ => drop(sendable(&mut outbox, now)),
                }
                let sent = |lane| outbox.entries.iter().filter(|entry| entry.sent_at.is_some() && entry.lane == Some(lane)).count();
                prop_assert!(sent(false) <= window && sent(true) <= window);
                prop_assert_eq!(outbox.under_way, sent(false) + sent(true));
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
