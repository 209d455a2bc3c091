//! Time, as the caller gives it.

use protocol::Timestamp;

/// A moment on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds on a clock that only grows: what every deadline is measured by.
    pub elapsed: u64,
    /// The wall clock's time, which may jump: what others are told.
    pub wall: Timestamp,
}

/// How long things take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long a user counts as there after the last session closed, so that a reconnect does not show.
    pub grace: u64,
    /// After how long without activity a user who chose to be online is shown as away.
    pub inactivity: u64,
    /// How long somebody who comes is not shown yet, so that a client that first says `invisible` never shows its user.
    pub arrival: u64,
}

impl Default for Timings {
    fn default() -> Self {
        Self { grace: 5_000, inactivity: 300_000, arrival: 300 }
    }
}
