//! How a check is run.

use shuttle::scheduler::{DfsScheduler, PctScheduler, ReplayScheduler, Scheduler};
use shuttle::thread::JoinHandle;
use shuttle::{Config, Runner};

/// In how many schedules a check is run unless `SCHEDULES` says otherwise.
const SCHEDULES: usize = 10_000;

/// How many schedules are too many to try all that there are: each further step of a thread multiplies them.
const MANY: usize = 100_000;

/// Where the choice of schedules starts: every run tries the same ones, and with more schedules these and more.
const SEED: u64 = 1;

/// How many orders of two steps have to come together for a fault to show: with `n` threads and `k` steps a schedule finds one that needs
/// `d` with a probability of at least 1/(n·k^(d−1)) (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding
/// Bugs", ASPLOS 2010).
const DEPTH: usize = 3;

/// What a thread has for its stack, in bytes; the tables and futures of unoptimized builds are large.
const STACK_BYTES: usize = 512 * 1024;

/// Runs a check in many schedules, or in the one that `REPLAY` gives.
pub(crate) fn explore(check: impl Fn() + Send + Sync + 'static) {
    if let Some(schedule) = variable("REPLAY") {
        run(ReplayScheduler::new_from_encoded(&schedule), check);
    } else {
        let count = variable("SCHEDULES").map_or(SCHEDULES, |count| count.parse().unwrap());
        run(PctScheduler::new_from_seed(SEED, DEPTH, count), check);
    }
}

/// Runs a check in every schedule that there is.
pub(crate) fn exhaust(check: impl Fn() + Send + Sync + 'static) {
    let count = run(DfsScheduler::new(Some(MANY), false), check);
    assert!(count < MANY, "too many schedules to try all of them");
}

/// Waits for threads to end, and gives what they gave.
pub(crate) fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) -> [T; N] {
    threads.map(|thread| thread.join().unwrap())
}

fn run(scheduler: impl Scheduler + 'static, check: impl Fn() + Send + Sync + 'static) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(scheduler, config).run(check)
}

#[expect(clippy::disallowed_methods, reason = "how many schedules is no configuration of the program")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
