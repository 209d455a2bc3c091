//! What one client may make the server hold, and for how long.

use std::time::Duration;

/// Bounds of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message, in bytes of payload over all its fragments.
    pub max_message_bytes: usize,
    /// The most frames that one message may come in.
    pub max_fragments: u32,
    /// How long a message may take from its first byte to its last.
    pub message_timeout: Duration,
    /// How long sent data may stay unacknowledged by the peer's TCP before the connection is dropped
    /// (`TCP_USER_TIMEOUT`, RFC 5482); only on Linux.
    pub unacknowledged_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: protocol::MAX_FRAME_BYTES,
            max_fragments: 16,
            message_timeout: Duration::from_secs(5),
            unacknowledged_timeout: Duration::from_secs(20),
        }
    }
}
