//! Shards, as a table lists them.

use serde::{Deserialize, Serialize};

/// The greatest number of shards of one service: an owner is one byte.
pub const MAX_SHARDS: usize = 256;

/// The greatest weight of a shard; greater ones count as this.
///
/// A shard has a number of points on the ring in proportion to its weight, so the weight is bounded.
pub const MAX_WEIGHT: u16 = 16;

/// The position of a shard in the list of its assignment.
pub type ShardIndex = u8;

/// A process that serves users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The stable name: what the ring hashes, so a restart under the same name moves nobody.
    pub name: String,
    /// Where clients reach it.
    pub url: String,
    /// Its capacity relative to the other shards, from 1 to [`MAX_WEIGHT`].
    pub weight: u16,
    /// Whether it takes users.
    pub state: ShardState,
}

/// Whether a shard takes users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardState {
    /// It owns buckets and receives more.
    Serving,
    /// It owns none, but still serves those who have not left.
    Draining,
}

impl Shard {
    /// Says whether the shard may own buckets.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.state == ShardState::Serving
    }
}
