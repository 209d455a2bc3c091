//! Epochs: the order of tables.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of a table: of two tables the one with the greater epoch is right.
///
/// An epoch is a term and a counter. Whoever begins to publish begins a new term, greater than every term
/// before, and counts up within it; so the tables of two publishers are ordered even when neither knows of
/// the other. The two are packed into one number that a JavaScript client can hold exactly (below 2^53),
/// which is also the form in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Epoch(u64);

/// A number too large to be an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("epoch {0} is over the largest one")]
pub struct InvalidEpoch(pub u64);

impl Epoch {
    /// The bits of the counter: a million tables a term, and 33 bits for the term, which hold seconds since
    /// 1970 until the year 2242.
    const COUNTER_BITS: u32 = 20;

    /// The epoch before every table.
    pub const ZERO: Self = Self(0);

    /// The greatest epoch.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The greatest term.
    pub const MAX_TERM: u64 = Self::MAX.0 >> Self::COUNTER_BITS;

    /// Gives the epoch before the first table of a term; a greater term than [`Epoch::MAX_TERM`] counts as
    /// that one.
    #[must_use]
    pub fn start_of(term: u64) -> Self {
        Self(term.min(Self::MAX_TERM) << Self::COUNTER_BITS)
    }

    /// Gives the term.
    #[must_use]
    pub fn term(self) -> u64 {
        self.0 >> Self::COUNTER_BITS
    }

    /// Gives the number of the table within its term.
    #[must_use]
    pub fn counter(self) -> u64 {
        self.0 & ((1 << Self::COUNTER_BITS) - 1)
    }

    /// Gives the epoch after this one, or `None` after the last.
    ///
    /// After the last counter of a term comes the next term.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (self < Self::MAX).then_some(Self(self.0 + 1))
    }
}

impl TryFrom<u64> for Epoch {
    type Error = InvalidEpoch;

    fn try_from(number: u64) -> Result<Self, InvalidEpoch> {
        if number <= Self::MAX.0 { Ok(Self(number)) } else { Err(InvalidEpoch(number)) }
    }
}

impl From<Epoch> for u64 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    #[test]
    fn term_comes_before_counter() {
        let first = Epoch::start_of(7).next().unwrap();
        assert_eq!((first.term(), first.counter()), (7, 1));
        assert!(first.next().unwrap() > first);
        assert!(Epoch::start_of(8) > first.next().unwrap());
    }

    #[test]
    fn seconds_of_today_fit_a_double() {
        let epoch = Epoch::start_of(1_764_000_000);
        assert_eq!(epoch.term(), 1_764_000_000);
        assert_eq!(u64::from(epoch) as f64 as u64, u64::from(epoch));
        assert!(u64::from(Epoch::MAX) < 1 << 53);
    }

    #[test]
    fn the_end_is_an_answer() {
        assert_eq!(Epoch::start_of(u64::MAX), Epoch::start_of(Epoch::MAX_TERM));
        assert_eq!(Epoch::MAX.next(), None);
        assert_eq!(Epoch::try_from(1 << 53), Err(InvalidEpoch(1 << 53)));
        assert!(serde_json::from_str::<Epoch>("-1").is_err());
    }
}
