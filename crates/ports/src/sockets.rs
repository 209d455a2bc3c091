//! Who is connected.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use protocol::Username;

use crate::Result;

/// Says which users have a device connected to a chat shard.
#[async_trait]
pub trait ConnectedUsers: Send + Sync {
    /// Gives those of `usernames` who are connected, each with the time since one of their devices was last heard of: one that vanished
    /// without a word counts as connected until it is found dead.
    async fn connected(&self, usernames: &[Username]) -> Result<BTreeMap<Username, Duration>>;
}
