//! The port: what an archive does.

use async_trait::async_trait;
use bytes::Bytes;
use protocol::ConversationId;

use crate::Result;

/// Which events of a conversation a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The number of the first; at least 1.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The generation of the last: of two segments with the same event the one of the higher generation is right.
    pub generation: u64,
}

/// A segment that is in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which events it holds.
    pub segment: Segment,
    /// The XXH3 of the object, which is a part of its name.
    pub checksum: u64,
}

/// Keeps segments of the conversations' logs. A segment never changes; it is whole, or it is not there.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Stores a segment. It is durable when this gives `Ok`; it may be repeated, and then changes nothing.
    ///
    /// # Errors
    /// `Invalid` for a range that is none or more than [`crate::MAX_BYTES`], `Denied`, `NoBucket`, `Unavailable`.
    async fn put(&self, conversation: ConversationId, segment: Segment, bytes: Bytes) -> Result<Stored>;

    /// Gives what was stored.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` if it is not what was stored, `Newer`, `Denied`, `NoBucket`, `Unavailable`.
    async fn get(&self, conversation: ConversationId, stored: Stored) -> Result<Bytes>;

    /// Gives the segment that holds an event: of several that of the highest generation, and of those the longest.
    ///
    /// # Errors
    /// `Denied`, `NoBucket`, `Unavailable`.
    async fn find(&self, conversation: ConversationId, seq: u64) -> Result<Option<Stored>>;

    /// Gives the segments after another, at most `limit`, in the order of their last events.
    ///
    /// # Errors
    /// `Denied`, `NoBucket`, `Unavailable`.
    async fn list(
        &self,
        conversation: ConversationId,
        after: Option<Stored>,
        limit: usize,
    ) -> Result<Vec<Stored>>;

    /// Removes a segment, if it is there.
    ///
    /// # Errors
    /// `Denied`, `NoBucket`, `Unavailable`.
    async fn delete(&self, conversation: ConversationId, stored: Stored) -> Result<()>;

    /// Removes all segments of a conversation. If it fails some may be gone: repeat it.
    ///
    /// # Errors
    /// `Denied`, `NoBucket`, `Unavailable`.
    async fn delete_all(&self, conversation: ConversationId) -> Result<()>;
}
