//! Small things that the roles keep: documents changed by compare-and-set, and answers remembered for a while.

use async_trait::async_trait;
use protocol::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Result;

/// A document, such as the signing keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Counts changes from 1.
    pub version: u64,
    /// What it holds, opaque to the store.
    pub body: Vec<u8>,
}

/// An answer that is given again to the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// A digest of the request.
    pub request: Vec<u8>,
    /// The answer, opaque to the store.
    pub answer: Vec<u8>,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// The documents.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Gives a document.
    async fn document(&self, name: &str) -> Result<Option<Document>>;

    /// Writes a document if its version is still `expected` (0: there is none), and gives the new version; fails with `Conflict` otherwise.
    async fn put_document(&self, name: &str, expected: u64, body: Vec<u8>) -> Result<u64>;

    /// Gives what was remembered under a key, unless it has expired at `now`.
    async fn remembered(&self, key: &[u8], now: Timestamp) -> Result<Option<Remembered>>;

    /// Remembers an answer, and forgets some that have expired.
    async fn remember(&self, key: Vec<u8>, answer: Remembered, now: Timestamp) -> Result<()>;
}
