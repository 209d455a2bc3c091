//! Making a failing plan smaller: what is left is what it takes.

use crate::run::{Outcome, run};
use crate::schedule::{Plan, Timed};

/// How many worlds are tried at most.
const MOST: usize = 400;

/// Takes away faults as long as the same promise is still broken, and gives the smallest plan that was found, with its outcome.
///
/// Delta debugging (Zeller, Hildebrandt 2002): halves first, then smaller parts.
pub fn shrink(failed: Outcome) -> Outcome {
    let promise = failed.violations.first().map(|violation| violation.promise);
    let mut smallest = failed;
    let (mut parts, mut tried) = (2, 0);
    while tried < MOST && !smallest.plan.faults.is_empty() {
        let faults = &smallest.plan.faults;
        let size = faults.len().div_ceil(parts);
        let mut without = (0..faults.len()).step_by(size).map(|from| rest(faults, from, size));
        let found = without.find_map(|faults| {
            tried += 1;
            let outcome = run(&Plan { faults, ..smallest.plan.clone() });
            let same = outcome.violations.iter().any(|violation| Some(violation.promise) == promise);
            same.then_some(outcome)
        });
        match found {
            Some(outcome) => (smallest, parts) = (outcome, (parts - 1).max(2)),
            None if size == 1 => break,
            None => parts = (2 * parts).min(faults.len()),
        }
    }
    smallest
}

fn rest(faults: &[Timed], from: usize, size: usize) -> Vec<Timed> {
    let outside = |(index, _): &(usize, &Timed)| !(from..from + size).contains(index);
    faults.iter().enumerate().filter(outside).map(|(_, timed)| timed.clone()).collect()
}
