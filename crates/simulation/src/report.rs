//! What a person reads of a world that failed.

use std::fmt::Write;

use crate::run::Outcome;

/// How many violations are told.
const MOST: usize = 10;

/// Says what was planned, what happened that must not, and how to see it again.
pub fn report(outcome: &Outcome) -> String {
    let mut text = format!("FAILED {}", outcome.plan);
    for violation in outcome.violations.iter().take(MOST) {
        let _ = writeln!(text, "  {violation}");
    }
    let more = outcome.violations.len().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    let _ = write!(text, "  again: make simulate SEED={}", outcome.plan.seed);
    if let Some(defect) = outcome.plan.defect {
        let _ = write!(text, " ARGUMENTS='--defect {defect}'");
    }
    text
}
