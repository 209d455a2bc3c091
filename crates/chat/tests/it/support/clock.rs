//! A clock that a test can put forward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ports::{Clock, SystemClock};
use protocol::Timestamp;

/// The system's clock, its time that only grows put forward as often as a test likes.
#[derive(Default)]
pub(crate) struct TestClock {
    ahead_ms: AtomicU64,
}

impl TestClock {
    pub(crate) fn advance(&self, time: Duration) {
        self.ahead_ms.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }
}
