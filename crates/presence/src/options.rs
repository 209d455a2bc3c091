//! What an operator, or a test, may set.

use std::time::Duration;

use availability::Timings;
use session::Rate;

/// The times and bounds of a presence shard.
#[derive(Clone, Debug)]
pub struct PresenceOptions {
    /// The grace, the inactivity and the arrival of a user.
    pub timings: Timings,
    /// How often the server pings.
    pub heartbeat: Duration,
    /// How long after a ping that was due a silent device is dead. Together with `heartbeat` it stays under the 45 s
    /// within which a device that vanished is noticed.
    pub answer_time: Duration,
    /// How long those who were connected to a bucket's owner before this one are expected; not over 45 s.
    pub adoption: Duration,
    /// How long another shard's word that it serves one of our users holds; longer than two sweeps.
    pub vouch: Duration,
    /// How long changes are gathered before they go out together.
    pub batch: Duration,
    /// How often the records of the watched are read again, and users of other shards are vouched for.
    pub sweep: Duration,
    /// How long the store may be behind the hints: what a sweep reads of somebody who has changed since then is ignored.
    pub record_lag: Duration,
    /// How often every connected user's contacts are read again.
    pub contacts_refresh: Duration,
    /// How often the record of a connected user is written again, so that `last_seen` is nearly right after a crash.
    pub record_refresh: Duration,
    /// How often the store is asked which logins have ended.
    pub ended_logins_poll: Duration,
    /// Over how long the users who belong to another shard now are sent there.
    pub move_window: Duration,
    /// How many sockets one user may have; the oldest makes room.
    pub max_sockets_per_user: usize,
    /// How many sockets the shard serves; further ones are refused.
    pub max_sockets: usize,
    /// How much may wait to be written on one socket, in bytes.
    pub queue_bytes: usize,
    /// How many frames one client may send.
    pub frames: Rate,
    /// How long an upgrade, and a closing handshake, may take.
    pub handshake: Duration,
    /// The bounds of what is read.
    pub websocket: websocket::Limits,
}

impl Default for PresenceOptions {
    fn default() -> Self {
        Self {
            timings: Timings::default(),
            heartbeat: Duration::from_secs(25),
            answer_time: Duration::from_secs(19),
            adoption: Duration::from_secs(40),
            vouch: Duration::from_secs(45),
            batch: Duration::from_millis(5),
            sweep: Duration::from_secs(15),
            record_lag: Duration::from_secs(5),
            contacts_refresh: Duration::from_secs(60),
            record_refresh: Duration::from_secs(300),
            ended_logins_poll: Duration::from_secs(5),
            move_window: Duration::from_secs(20),
            max_sockets_per_user: 8,
            max_sockets: 100_000,
            queue_bytes: websocket::DEFAULT_QUEUE_BYTES,
            frames: Rate { per_second: 20, burst: 40 },
            handshake: Duration::from_secs(5),
            websocket: websocket::Limits::default(),
        }
    }
}
