//! The brake on guessing passwords of one account.

use protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// How many failures cost no time: people mistype.
const FREE_FAILURES: u32 = 5;
/// The wait after the next one, in milliseconds; it doubles with each further one.
const FIRST_WAIT: u64 = 1_000;
/// The longest wait: an account is slowed down, never locked, so that a stranger cannot lock its owner out.
const LONGEST_WAIT: u64 = 15 * 60_000;
/// How long failures count.
const MEMORY: u64 = 24 * 3_600_000;

/// The recent failures of one account, a value that the caller stores under its name.
///
/// Count the failure before the password is looked at and take it back with [`succeeded`](Self::succeeded): else many
/// guesses at once would all be let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginThrottle {
    failures: u32,
    failed_at: Timestamp,
}

/// Whether a password may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may.
    Allowed,
    /// Not for that many milliseconds.
    Wait(u64),
}

impl LoginThrottle {
    /// Asks whether a password may be tried.
    pub fn attempt(&self, now: Timestamp) -> Attempt {
        // A clock that was set back must not make anybody wait for longer than the wait itself.
        let waited = now.since(self.failed_at);
        match self.wait().saturating_sub(waited) {
            0 => Attempt::Allowed,
            left => Attempt::Wait(left),
        }
    }

    /// Counts a failure, and gives what to store.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Self {
        let failures = if now >= self.forgotten_at() { 1 } else { self.failures.saturating_add(1) };
        Self { failures, failed_at: now }
    }

    /// Forgets the failures, and gives what to store (the same as nothing).
    #[must_use]
    pub fn succeeded(&self) -> Self {
        Self::default()
    }

    /// Gives when the record means nothing any more and can be swept away.
    pub fn forgotten_at(&self) -> Timestamp {
        self.failed_at.plus(MEMORY)
    }

    fn wait(&self) -> u64 {
        match self.failures.checked_sub(FREE_FAILURES) {
            None => 0,
            Some(doublings) => {
                FIRST_WAIT.checked_shl(doublings.min(32)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(failures: usize, now: u64) -> LoginThrottle {
        (0..failures).fold(LoginThrottle::default(), |throttle, _| throttle.failed(Timestamp(now)))
    }

    #[test]
    fn waits_double_after_five_failures_up_to_a_quarter_of_an_hour() {
        let now = Timestamp(1_000_000);
        let waits: Vec<Attempt> = (4..=17).map(|failures| after(failures, now.0).attempt(now)).collect();
        assert_eq!(
            waits[..4],
            [Attempt::Allowed, Attempt::Wait(1000), Attempt::Wait(2000), Attempt::Wait(4000)]
        );
        assert_eq!(
            waits[10..],
            [Attempt::Wait(512_000), Attempt::Wait(900_000), Attempt::Wait(900_000), Attempt::Wait(900_000)]
        );
    }

    #[test]
    fn a_wait_ends() {
        let throttle = after(6, 0);
        assert_eq!(throttle.attempt(Timestamp(1999)), Attempt::Wait(1));
        assert_eq!(throttle.attempt(Timestamp(2000)), Attempt::Allowed);
    }

    #[test]
    fn success_and_a_day_forget() {
        assert_eq!(after(9, 0).succeeded(), LoginThrottle::default());
        assert_eq!(after(9, 0).failed(Timestamp(MEMORY)), after(1, MEMORY));
        assert_eq!(after(9, 0).failed(Timestamp(MEMORY - 1)).failures, 10);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(failures in 0..200_usize, failed_at: u64, now: u64) {
            match after(failures, failed_at).attempt(Timestamp(now)) {
                Attempt::Allowed => prop_assert!(failures < 5 || now > failed_at),
                Attempt::Wait(left) => prop_assert!(left > 0 && left <= LONGEST_WAIT),
            }
        }

        #[test]
        fn a_guesser_gets_few_guesses_a_day(step in 1..600_000_u64) {
            let (mut throttle, mut now, mut guesses) = (LoginThrottle::default(), 0, 0);
            while now < MEMORY {
                match throttle.attempt(Timestamp(now)) {
                    Attempt::Allowed => {
                        guesses += 1;
                        throttle = throttle.failed(Timestamp(now));
                        now += step;
                    }
                    Attempt::Wait(left) => now += left,
                }
            }
            prop_assert!(guesses <= 110, "{guesses}");
        }
    }
}
