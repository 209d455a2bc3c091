//! Options for tests.

use std::time::Duration;

use chat::Options;
use session::{Limits, Rate};

/// For ever, as far as a test is concerned.
const HOUR: Duration = Duration::from_secs(3600);

/// Options under which whatever was lost is found soon.
pub(crate) fn quick() -> Options {
    Options {
        sweep_every: Duration::from_millis(20),
        gap_patience: Duration::from_millis(2),
        marks_every: Duration::from_millis(10),
        ..patient()
    }
}

/// Options under which nothing comes by a sweep and nothing by itself, and nobody is too fast.
pub(crate) fn patient() -> Options {
    let hour_ms = u64::try_from(HOUR.as_millis()).unwrap();
    Options {
        session: Limits {
            frames: Rate { per_second: 1_000_000, burst: 1_000_000 },
            heartbeat_ms: hour_ms,
            dead_after_ms: 2 * hour_ms,
            resume_wait_ms: hour_ms,
        },
        sweep_every: HOUR,
        marks_every: HOUR,
        stranger_patience: HOUR,
        move_window: Duration::from_millis(1),
        ..Options::default()
    }
}
