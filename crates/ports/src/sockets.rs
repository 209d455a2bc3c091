//! Who is connected.

use std::collections::HashSet;

use async_trait::async_trait;
use protocol::Username;

use crate::Result;

/// Says which users have a device connected to a chat shard.
#[async_trait]
pub trait ConnectedUsers: Send + Sync {
    /// Gives those of `usernames` who are connected.
    async fn connected(&self, usernames: &[Username]) -> Result<HashSet<Username>>;
}
