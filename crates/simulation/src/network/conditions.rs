//! How the ways between the processes and devices are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// How the ways are.
#[derive(Debug)]
pub(super) struct Conditions {
    /// How long a chunk takes where nothing else is said, in milliseconds.
    pub(super) delay: RangeInclusive<u64>,
    slow: BTreeMap<Pair, RangeInclusive<u64>>,
    silent: BTreeSet<Pair>,
}

/// How the way between two is, in both directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// How long a chunk takes, in milliseconds.
    pub(super) delay: RangeInclusive<u64>,
    /// Whether nothing arrives.
    pub(super) silent: bool,
}

/// Two names in order, or `*` for anybody.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pair(String, String);

impl Default for Conditions {
    fn default() -> Self {
        Self { delay: 1..=1, slow: BTreeMap::new(), silent: BTreeSet::new() }
    }
}

impl Conditions {
    pub(super) fn slow(&mut self, a: &str, b: &str, delay: Option<RangeInclusive<u64>>) {
        match delay {
            Some(delay) => self.slow.insert(Pair::new(a, b), delay),
            None => self.slow.remove(&Pair::new(a, b)),
        };
    }

    pub(super) fn silence(&mut self, a: &str, b: &str, silent: bool) {
        if silent {
            self.silent.insert(Pair::new(a, b));
        } else {
            self.silent.remove(&Pair::new(a, b));
        }
    }

    pub(super) fn way(&self, a: &str, b: &str) -> Way {
        let slow = self.slow.iter().filter(|(pair, _)| pair.holds_for(a, b)).map(|(_, delay)| delay);
        let slowest = slow.max_by_key(|delay| (*delay.end(), *delay.start()));
        Way {
            delay: slowest.unwrap_or(&self.delay).clone(),
            silent: self.silent.iter().any(|pair| pair.holds_for(a, b)),
        }
    }
}

impl Pair {
    fn new(a: &str, b: &str) -> Self {
        let (first, second) = if a <= b { (a, b) } else { (b, a) };
        Self(first.to_owned(), second.to_owned())
    }

    fn holds_for(&self, a: &str, b: &str) -> bool {
        let is = |pattern: &str, name: &str| pattern == name || pattern == "*";
        let Self(one, other) = self;
        is(one, a) && is(other, b) || is(one, b) && is(other, a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_for_anybody_holds_for_both_directions() {
        let mut conditions = Conditions::default();
        conditions.silence("*", "chat-0", true);
        assert!(conditions.way("chat-0", "api-0").silent && conditions.way("api-0", "chat-0").silent);
        assert!(!conditions.way("chat-1", "api-0").silent);
        conditions.silence("chat-0", "*", false);
        assert!(!conditions.way("chat-0", "api-0").silent);
    }

    #[test]
    fn the_slowest_holds() {
        let mut conditions = Conditions::default();
        conditions.slow("a", "*", Some(5..=9));
        conditions.slow("a", "b", Some(20..=30));
        assert_eq!(conditions.way("b", "a").delay, 20..=30);
        assert_eq!(conditions.way("c", "a").delay, 5..=9);
        conditions.slow("b", "a", None);
        assert_eq!(conditions.way("a", "b").delay, 5..=9);
        assert_eq!(conditions.way("c", "b").delay, 1..=1);
    }
}
