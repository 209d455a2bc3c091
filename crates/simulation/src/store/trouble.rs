//! What is wrong between the processes and the store.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What happens to a process's calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// How long a call takes to the store, and again its answer back, in milliseconds.
    pub delay_ms: RangeInclusive<u64>,
    /// The probability that a call is not done, and `Unavailable`.
    pub refused: f64,
    /// The probability that a call is done, and `Unavailable` all the same.
    pub doubt: f64,
    /// Whether calls hang, until the store is up again, or for five seconds: then they are not done, and `Unavailable`.
    pub down: bool,
}

/// What happens to the entries of inboxes.
#[derive(Clone, Debug, PartialEq)]
pub struct HintFaults {
    /// The probability that one gets lost.
    pub lost: f64,
    /// The probability that one comes a second time, late.
    pub repeated: f64,
    /// The probability that one comes late: others overtake it.
    pub delayed: f64,
    /// How late, in milliseconds.
    pub delay_ms: RangeInclusive<u64>,
}

/// The troubles of all processes.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    everybodys: Trouble,
    own: BTreeMap<String, Trouble>,
}

impl Troubles {
    /// Says what is wrong for a process, or with `*` for all: whatever was said of single ones is void then.
    pub(super) fn set(&mut self, process: &str, trouble: Trouble) {
        if process == "*" {
            *self = Self { everybodys: trouble, own: BTreeMap::new() };
        } else {
            self.own.insert(process.to_owned(), trouble);
        }
    }

    /// Gives what is wrong for a process.
    pub(super) fn of(&self, process: &str) -> &Trouble {
        self.own.get(process).unwrap_or(&self.everybodys)
    }
}

impl Default for Trouble {
    fn default() -> Self {
        Self { delay_ms: 0..=0, refused: 0.0, doubt: 0.0, down: false }
    }
}

impl Default for HintFaults {
    fn default() -> Self {
        Self { lost: 0.0, repeated: 0.0, delayed: 0.0, delay_ms: 0..=0 }
    }
}
