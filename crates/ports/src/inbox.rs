//! The inbox: news from one shard to another.

use async_trait::async_trait;
use bytes::Bytes;
use protocol::Shard;

use crate::Result;

/// Some news, and where to read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The news in the order in which they were published, by each publisher.
    pub entries: Vec<Bytes>,
    /// The cursor for the next read.
    pub cursor: u64,
}

/// News from shard to shard. All of it are hints: a lost, late or repeated one costs latency, never a message.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Gives news to a shard. An inbox that nobody reads is bounded: its oldest entries go.
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()>;

    /// Gives the end of a shard's inbox: where a shard that starts begins to read.
    async fn end(&self, shard: &Shard) -> Result<u64>;

    /// Waits for news after `cursor` and gives them, at most `limit`.
    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch>;
}
