//! The bounds of a server.

use std::time::Duration;

/// What a server allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// How long a request's header may take to arrive, and a connection may lie idle before the next one.
    pub header_timeout: Duration,
    /// The largest header of a request, in bytes; at least 8 KiB.
    pub max_header_bytes: usize,
    /// How many connections are served at once; further ones wait to be accepted. Upgraded ones do not count.
    pub max_connections: usize,
    /// How many connections of one address (of one /64 with IPv6) may be open without having finished a request.
    pub max_half_open_per_address: usize,
    /// Leaves connections from this machine out of the limit by address.
    pub exempt_loopback: bool,
    /// How long what was sent may stay unacknowledged before the connection is given up (`TCP_USER_TIMEOUT`).
    pub user_timeout: Duration,
    /// How long requests in flight may take to finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(5),
            max_header_bytes: 16 * 1024,
            max_connections: 10_000,
            max_half_open_per_address: 200,
            exempt_loopback: false,
            user_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(10),
        }
    }
}
