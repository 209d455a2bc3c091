//! Thousands of worlds, and those that once failed.

use simulation::defect::Defect;
use simulation::run::run;
use simulation::schedule::Plan;
use simulation::sweep::sweep;

/// How many worlds every change is held against.
const WORLDS: u64 = 2000;

/// In how many worlds a deliberate defect must be found.
const DEFECT_WORLDS: u64 = 300;

/// Seeds that showed a defect in this code once.
const FOUND: &[u64] = &[145, 416, 593, 714, 1517, 1689];

#[test]
#[ignore = "takes long without optimization: make test runs it with"]
fn every_promise_holds_under_thousands_of_fault_schedules() {
    let swept = sweep(0..WORLDS, 5, Plan::of);
    let failed: Vec<String> = swept.failed.iter().map(simulation::report).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(swept.worlds, WORLDS);
}

#[test]
#[ignore = "takes long without optimization: make test runs it with"]
fn every_deliberate_defect_is_found() {
    for defect in Defect::ALL {
        let swept = sweep(0..DEFECT_WORLDS, 1, |seed| Plan { defect: Some(defect), ..Plan::of(seed) });
        assert!(!swept.failed.is_empty(), "{defect} was not found in {} worlds", swept.worlds);
    }
}

#[test]
#[cfg_attr(
    not(tokio_unstable),
    ignore = "a seed means something only where the runtime takes one: make test runs it"
)]
fn what_was_found_once_stays_mended() {
    for seed in FOUND {
        let outcome = run(&Plan::of(*seed));
        assert!(outcome.violations.is_empty(), "{}", simulation::report(&outcome));
    }
}

#[test]
#[cfg_attr(not(tokio_unstable), ignore = "the runtime takes no seed in this build: make test runs it in one")]
fn the_same_seed_gives_the_same_history() {
    for seed in 0..5 {
        let (one, other) = (run(&Plan::of(seed)), run(&Plan::of(seed)));
        let shown = |outcome: &simulation::run::Outcome| {
            outcome.moments.iter().map(|moment| format!("{moment:?}")).collect::<Vec<_>>()
        };
        let (one, other) = ((one.hash, shown(&one)), (other.hash, shown(&other)));
        let differs = one.1.iter().zip(&other.1).find(|(one, other)| one != other);
        assert_eq!(one.0, other.0, "seed {seed}: {differs:?}");
    }
}
