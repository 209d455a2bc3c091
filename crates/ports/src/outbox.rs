//! The outbox: messages whose receivers may have to be notified.

use async_trait::async_trait;
use protocol::{ConversationId, Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A place in a partition of the outbox.
pub type OutboxPosition = u64;

/// A message whose receivers may have to be notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its place.
    #[serde(default)]
    pub position: OutboxPosition,
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: u64,
    /// Who wrote it.
    pub from: Username,
    /// When it was taken.
    pub at: Timestamp,
    /// The conversation's version then: its members are those of this version, or of a later one.
    pub version: u64,
}

/// The outbox, in partitions: a conversation's entries are all in one, in order.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Gives the number of partitions.
    fn partitions(&self) -> u16;

    /// Waits until there are entries after `after` and after the durable cursor of a partition, and gives them, at most `limit`.
    ///
    /// With `after` a reader goes on while it has not dealt with all that it has read. Positions only grow, also over a loss: what comes
    /// after it has greater ones than what was ever given.
    async fn pending(&self, partition: u16, after: OutboxPosition, limit: usize) -> Result<Vec<OutboxEntry>>;

    /// Moves a partition's durable cursor: what lies up to `position` is dealt with.
    async fn dealt_with(&self, partition: u16, position: OutboxPosition) -> Result<()>;
}
