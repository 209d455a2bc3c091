//! Holding what happened against what is promised.
//!
//! The checker knows what was asked, acked and shown, what the store took, and the contract; of the implementation it knows nothing. Where
//! a history leaves it open whether a promise was broken it says nothing: what it reports is certain.

mod bounds;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may panic")]
mod example;
mod promises;
mod statistics;
mod story;
mod violation;

use crate::history::Moment;
use crate::store::Truth;

use self::story::Story;

pub use self::bounds::Bounds;
pub use self::statistics::{Statistics, statistics};
pub use self::violation::Violation;

/// How many violations of one rule are told: more of them would tell nothing more.
const MOST: usize = 20;

/// Gives every promise that was not kept, in order of time.
pub fn check(history: &[Moment], truth: &Truth) -> Vec<Violation> {
    check_within(history, truth, &Bounds::default())
}

/// Gives every promise that was not kept within these bounds, in order of time.
pub fn check_within(history: &[Moment], truth: &Truth, bounds: &Bounds) -> Vec<Violation> {
    let story = Story::new(history, truth, bounds);
    let mut violations = Vec::new();
    for rule in promises::RULES {
        let mut found = rule(&story);
        found.sort_by_key(|violation| violation.at);
        found.truncate(MOST);
        violations.extend(found);
    }
    violations.sort_by_key(|violation| violation.at);
    violations
}
