//! Many worlds, a thread for each core.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;

use crate::run::{Outcome, run};
use crate::schedule::Plan;

/// What came of many worlds.
#[derive(Debug, Default)]
pub struct Swept {
    /// How many worlds there were.
    pub worlds: u64,
    /// How much happened in them.
    pub moments: u64,
    /// How many faults there were.
    pub faults: u64,
    /// Those in which something happened that must not, in the order of their seeds.
    pub failed: Vec<Outcome>,
}

/// Runs a world for each seed of a range, by the plan that it has, until `most` have failed.
///
/// # Panics
/// If a thread panics outside of a world.
pub fn sweep(seeds: Range<u64>, most: usize, plan: impl Fn(u64) -> Plan + Sync) -> Swept {
    let (next, enough, swept) =
        (AtomicU64::new(seeds.start), AtomicBool::new(false), Mutex::new(Swept::default()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || enough.load(Ordering::Relaxed) {
                return;
            }
            let outcome = run(&plan(seed));
            let mut swept = swept.lock();
            swept.worlds += 1;
            swept.moments += outcome.moments.len() as u64;
            swept.faults += outcome.plan.faults.len() as u64;
            if !outcome.violations.is_empty() {
                swept.failed.push(outcome);
                enough.store(swept.failed.len() >= most, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut swept = swept.into_inner();
    swept.failed.sort_by_key(|outcome| outcome.plan.seed);
    swept
}
