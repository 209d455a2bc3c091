//! What an operator may set.

use std::time::Duration;

use session::{Limits, Rate};

/// A chat shard's options.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The limits of one connection.
    pub session: Limits,
    /// How much may wait to be written to one connection, in bytes.
    pub queue_bytes: usize,
    /// How many sockets a user may have on the shard; the oldest is closed beyond.
    pub sockets_per_user: usize,
    /// How many sockets the shard serves; further ones are refused.
    pub max_sockets: usize,
    /// How many requests of one connection may wait for the store; beyond, its frames are not read.
    pub in_flight: usize,
    /// How many events of one conversation a `resume` sends at most.
    pub resume_events: u64,
    /// How long an event that came early waits for its predecessors before the log is read.
    pub gap_patience: Duration,
    /// How often the logs' ends are compared with what was shown; a lost hint is found within twice that.
    pub sweep_every: Duration,
    /// How often deliveries are noted.
    pub marks_every: Duration,
    /// In how large a conversation deliveries are noted.
    pub marks_members: usize,
    /// In how large a conversation typing and read receipts are passed on.
    pub receipts_members: usize,
    /// How long a user of another shard is served before being sent there.
    pub stranger_patience: Duration,
    /// Over how long users who belong elsewhere are sent there.
    pub move_window: Duration,
    /// How long hints also go to a bucket's previous owner after a move.
    pub route_overlap: Duration,
    /// How long the closing handshake may take.
    pub close_bound: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            session: Limits {
                frames: Rate { per_second: 50, burst: 500 },
                heartbeat_ms: 25_000,
                dead_after_ms: 45_000,
                resume_wait_ms: 500,
            },
            queue_bytes: 1 << 20,
            sockets_per_user: 32,
            max_sockets: 100_000,
            in_flight: 64,
            resume_events: 1000,
            gap_patience: Duration::from_millis(15),
            sweep_every: Duration::from_millis(2500),
            marks_every: Duration::from_secs(1),
            marks_members: 100,
            receipts_members: 10_000,
            stranger_patience: Duration::from_secs(5),
            move_window: Duration::from_secs(10),
            route_overlap: Duration::from_secs(60),
            close_bound: Duration::from_secs(2),
        }
    }
}
