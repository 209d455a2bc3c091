//! How long to wait before the next attempt.

use std::time::Duration;

use ports::Entropy;

/// Exponential backoff with full jitter: a random time below a bound that doubles with each failure.
///
/// ("Exponential Backoff And Jitter", AWS Architecture Blog 2015: full jitter needs the fewest calls.)
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// Takes in a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Takes in a failure and gives the time to wait.
    pub(crate) fn next(&mut self, entropy: &(dyn Entropy + 'static)) -> Duration {
        let bound = self.first.saturating_mul(1 << self.failures.min(20)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(entropy.below(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always the greatest number.
    struct Greatest;

    impl Entropy for Greatest {
        fn fill(&self, bytes: &mut [u8]) {
            // u64::MAX is a multiple of 1,000,000 plus 551,615.
            bytes.fill(0xff);
        }
    }

    #[test]
    fn bound_doubles_up_to_the_most_and_begins_anew() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, 5 * second);
        let bounds =
            [1, 2, 4, 5, 5].map(|seconds: u64| Duration::from_micros(u64::MAX % (seconds * 1_000_000)));
        assert_eq!(bounds.map(|_| backoff.next(&Greatest)), bounds);
        (0..100).for_each(|_| assert!(backoff.next(&Greatest) < 5 * second));
        backoff.reset();
        assert_eq!(backoff.next(&Greatest), bounds[0]);
    }
}
