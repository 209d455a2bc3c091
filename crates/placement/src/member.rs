//! The shards of a service, as discovery finds them and as a table lists them.

use protocol::Shard;
use serde::{Deserialize, Serialize};

/// The greatest number of members of one service: an owner is one byte.
pub const MAX_MEMBERS: usize = 256;

/// The weight of an ordinary shard.
pub const ORDINARY_WEIGHT: u32 = 100;

/// The greatest weight; greater ones count as this.
///
/// A shard has a number of points on the ring in proportion to its weight, so the weight is bounded.
pub const MAX_WEIGHT: u32 = 16 * ORDINARY_WEIGHT;

/// The position of a member in the list of its assignment.
pub type MemberIndex = u8;

/// A shard of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The stable name: what the ring hashes, so a restart under the same name moves nobody.
    pub shard: Shard,
    /// Where clients reach it.
    pub url: String,
    /// Where the other processes of the cluster ask it things: its operators' port, as `http://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_url: Option<String>,
    /// Its capacity, from 1 to [`MAX_WEIGHT`], [`ORDINARY_WEIGHT`] being that of an ordinary shard.
    pub weight: u32,
    /// Whether it is about to leave: then it owns nothing, but still serves those who have not left it.
    pub draining: bool,
}

impl Member {
    /// Says whether the shard may own buckets.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        !self.draining
    }

    /// Gives the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shard.as_str()
    }
}
