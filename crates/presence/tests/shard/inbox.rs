//! An inbox that can lose everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use ports::{Batch, Inbox, Result};
use protocol::Shard;

/// The inbox of a store, which loses what it is given while it is told to.
pub(crate) struct LossyInbox {
    inner: Arc<dyn Inbox>,
    pub(crate) losing: AtomicBool,
}

impl LossyInbox {
    pub(crate) fn new(inner: Arc<dyn Inbox>) -> Self {
        Self { inner, losing: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Inbox for LossyInbox {
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()> {
        if self.losing.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.publish(shard, entries).await
    }

    async fn end(&self, shard: &Shard) -> Result<u64> {
        self.inner.end(shard).await
    }

    async fn read(&self, shard: &Shard, cursor: u64, limit: usize) -> Result<Batch> {
        self.inner.read(shard, cursor, limit).await
    }
}
