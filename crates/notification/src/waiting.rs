//! Those who are connected, as far as is known: whether they have to be told shows when their device is heard of, or found dead.

use std::collections::BTreeMap;
use std::time::Duration;

use ports::{OutboxEntry, OutboxPosition};
use protocol::{ConversationId, Username};
use tokio::time::Instant;

/// Who may have to be told of what.
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<(Username, ConversationId), Held>);

/// Messages of one conversation for one user: they are told together, by the last one.
#[derive(Clone, Debug)]
struct Held {
    /// The first of them.
    first: (OutboxPosition, Instant),
    /// The last of them.
    last: (OutboxEntry, Instant),
}

impl Waiting {
    /// Adds a message that was read now.
    pub(crate) fn add(&mut self, user: Username, entry: &OutboxEntry, now: Instant) {
        let held = Held { first: (entry.position, now), last: (entry.clone(), now) };
        let known = self.0.entry((user, entry.conversation)).or_insert_with(|| held.clone());
        known.last = held.last;
    }

    /// Gives how many there are: of each user those in each conversation.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the users, in the order of their names.
    pub(crate) fn users(&self) -> Vec<Username> {
        let mut users: Vec<Username> = self.0.keys().map(|(user, _)| user.clone()).collect();
        users.dedup();
        users
    }

    /// Gives the first message that is not dealt with.
    pub(crate) fn oldest(&self) -> Option<OutboxPosition> {
        self.0.values().map(|held| held.first.0).min()
    }

    /// Takes note that a user is connected and was last heard of so long ago: what came before that has arrived.
    pub(crate) fn heard(&mut self, user: &Username, silence: Duration, now: Instant) {
        let heard = |since: Instant| now.saturating_duration_since(since) > silence;
        let of_user = |(name, _): &(Username, ConversationId)| name == user;
        self.0.retain(|key, held| {
            if !of_user(key) {
                return true;
            }
            if heard(held.first.1) {
                // The last one stands for those between it and the first.
                held.first = (held.last.0.position, held.last.1);
            }
            !heard(held.last.1)
        });
    }

    /// Gives the last message of each conversation for a user.
    pub(crate) fn of(&self, user: &Username) -> Vec<OutboxEntry> {
        let of_user = self.0.iter().filter(|((name, _), _)| name == user);
        of_user.map(|(_, held)| held.last.0.clone()).collect()
    }

    /// Forgets all that waits for a user.
    pub(crate) fn forget(&mut self, user: &Username) {
        self.0.retain(|(name, _), _| name != user);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use protocol::Timestamp;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn entry(position: OutboxPosition, conversation: u8) -> OutboxEntry {
        OutboxEntry {
            position,
            conversation: ConversationId([conversation; 16]),
            seq: position,
            from: Username::new("ada").unwrap(),
            at: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn who_is_heard_of_afterwards_has_it_and_who_is_not_may_not() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        let (ben, cyd) = (Username::new("ben").unwrap(), Username::new("cyd").unwrap());
        waiting.add(ben.clone(), &entry(1, 1), start);
        waiting.add(cyd.clone(), &entry(1, 1), start);
        waiting.add(cyd.clone(), &entry(3, 1), start + 4 * SECOND);
        waiting.add(cyd.clone(), &entry(4, 2), start + 4 * SECOND);
        assert_eq!((waiting.users(), waiting.oldest()), (vec![ben.clone(), cyd.clone()], Some(1)));
        // Heard of one second before.
        waiting.heard(&ben, 6 * SECOND, start + 5 * SECOND);
        waiting.heard(&cyd, 2 * SECOND, start + 5 * SECOND);
        assert_eq!((waiting.len(), waiting.oldest()), (3, Some(1)));
        waiting.heard(&ben, 4 * SECOND, start + 5 * SECOND);
        assert_eq!((waiting.users(), waiting.oldest()), (vec![cyd.clone()], Some(3)));
        let left = waiting.of(&cyd);
        waiting.forget(&cyd);
        assert_eq!(left.iter().map(|entry| entry.position).collect::<Vec<_>>(), [3, 4]);
        assert!(waiting.is_empty());
    }
}
