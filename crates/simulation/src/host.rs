//! A process of the simulated cluster: its tasks, its clocks, its randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use ports::{Clock, Entropy, Tasks};
use protocol::Timestamp;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;

/// What the wall clocks of the simulated world show at its start: 2030-01-01.
pub const EPOCH_MS: u64 = 1_893_456_000_000;

/// A process: it runs, is frozen and thawed, and ends with or without a word.
pub struct Process {
    name: String,
    host: Arc<Frozen>,
    clock: Arc<DriftingClock>,
    entropy: Arc<SeededEntropy>,
    /// Where its roles spawn their tasks.
    pub tasks: Tasks,
    /// Ends its roles in good order.
    pub stop: CancellationToken,
}

/// Whether the tasks of a process are polled.
#[derive(Default)]
struct Frozen {
    state: Mutex<FrozenState>,
}

#[derive(Default)]
struct FrozenState {
    frozen: bool,
    ended: bool,
    /// Those who would have run.
    waiting: Vec<Waker>,
    tasks: Vec<AbortHandle>,
}

/// A clock that runs at its own pace, and whose wall time is off and jumps.
pub struct DriftingClock {
    start: Instant,
    /// What the monotonic clock showed at the start.
    base: Duration,
    /// Parts per million by which it runs too fast.
    drift: i64,
    /// What is added to what the wall clock would show, in milliseconds.
    offset: AtomicI64,
}

struct SeededEntropy(Dice);

impl Process {
    /// Starts a process with nothing in it, whose clock is a little off, so many milliseconds after the start of the world.
    pub fn start(name: &str, dice: &Dice, after: u64) -> Self {
        let host = Arc::new(Frozen::default());
        let drift = i64::try_from(dice.between(0..=400)).unwrap_or(0) - 200;
        let offset = i64::try_from(after + dice.between(0..=1000)).unwrap_or(0) - 500;
        Self {
            name: name.to_owned(),
            tasks: Tasks::of(host.clone()),
            host,
            clock: Arc::new(DriftingClock {
                start: Instant::now(),
                base: dice.millis(1..=1_000_000_000),
                drift,
                offset: AtomicI64::new(offset),
            }),
            entropy: Arc::new(SeededEntropy(dice.clone())),
            stop: CancellationToken::new(),
        }
    }

    /// Gives its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives its clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Gives its randomness.
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        self.entropy.clone()
    }

    /// Stands still from now on: none of its tasks runs, and time passes.
    pub fn freeze(&self) {
        self.host.state.lock().frozen = true;
    }

    /// Goes on, late.
    pub fn thaw(&self) {
        let waiting = {
            let mut state = self.host.state.lock();
            state.frozen = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Sets the wall clock to be off by so many milliseconds more.
    pub fn jump(&self, millis: i64) {
        self.clock.offset.fetch_add(millis, Ordering::Relaxed);
    }

    /// Ends without a word, as a kill does: nothing of it runs any more, and what it held open is gone.
    pub fn end(&self) {
        let tasks = {
            let mut state = self.host.state.lock();
            state.ended = true;
            std::mem::take(&mut state.tasks)
        };
        tasks.iter().for_each(AbortHandle::abort);
        self.thaw();
    }
}

impl ports::Host for Frozen {
    fn poll_runs(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.frozen {
            state.waiting.push(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn spawned(&self, task: AbortHandle) {
        let mut state = self.state.lock();
        if state.ended {
            task.abort();
            return;
        }
        if state.tasks.len() == state.tasks.capacity() {
            state.tasks.retain(|task| !task.is_finished());
        }
        state.tasks.push(task);
    }
}

impl Clock for DriftingClock {
    fn now(&self) -> Timestamp {
        let shown = i64::try_from(self.elapsed().as_millis()).unwrap_or(0);
        let off = self.offset.load(Ordering::Relaxed);
        Timestamp(EPOCH_MS.saturating_add_signed(shown.saturating_add(off)))
    }

    fn monotonic(&self) -> Duration {
        self.base + self.elapsed()
    }
}

impl DriftingClock {
    /// Gives how much time has passed by this clock.
    fn elapsed(&self) -> Duration {
        let passed = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        let drifted = passed.saturating_add(passed.saturating_mul(self.drift) / 1_000_000);
        Duration::from_micros(u64::try_from(drifted).unwrap_or(0))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_frozen_process_does_nothing_and_is_late_afterwards() {
        let process = Process::start("chat-0", &Dice::new(1, "clock"), 0);
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        process.tasks.spawn(async move {
            for tick in 0_u64.. {
                tokio::time::sleep(Duration::from_secs(1)).await;
                sender.send(tick).unwrap();
            }
        });
        assert_eq!(receiver.recv().await, Some(0));
        process.freeze();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(receiver.try_recv().is_err());
        let thawed = Instant::now();
        process.thaw();
        assert_eq!((receiver.recv().await, thawed.elapsed()), (Some(1), Duration::ZERO));
        process.freeze();
        process.end();
        assert_eq!(receiver.recv().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_differ_and_the_monotonic_one_only_grows() {
        let process = Process::start("chat-0", &Dice::new(1, "clock"), 0);
        let (clock, before) = (process.clock(), process.clock().now());
        let monotonic = clock.monotonic();
        process.jump(-3_600_000);
        assert!(clock.now() < before);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let passed = clock.monotonic() - monotonic;
        assert!(passed > Duration::from_millis(9_990) && passed < Duration::from_millis(10_010));
    }
}
