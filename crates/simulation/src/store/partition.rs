//! Partitions: what lives in one is kept by one server, and lost together.

use protocol::{ConversationId, LoginId, Username};
use xxhash_rust::xxh3::xxh3_64;

/// How many partitions the store has.
pub const PARTITIONS: usize = 8;

/// Says in which partition something lives.
pub(super) trait Placed {
    /// Gives what decides about the place.
    fn place(&self) -> &[u8];

    /// Gives the partition.
    fn partition(&self) -> usize {
        // The remainder is less than eight.
        (xxh3_64(self.place()) % PARTITIONS as u64) as usize
    }
}

impl Placed for ConversationId {
    fn place(&self) -> &[u8] {
        &self.0
    }
}

impl Placed for LoginId {
    fn place(&self) -> &[u8] {
        &self.0
    }
}

impl Placed for Username {
    fn place(&self) -> &[u8] {
        self.as_str().as_bytes()
    }
}

impl Placed for [u8] {
    fn place(&self) -> &[u8] {
        self
    }
}

impl Placed for str {
    fn place(&self) -> &[u8] {
        self.as_bytes()
    }
}
