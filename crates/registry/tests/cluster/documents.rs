//! A store for documents in memory.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use ports::{Document, Documents, Error, Remembered, Result};
use protocol::Timestamp;

/// The documents, of which the registry has one.
#[derive(Default)]
pub(crate) struct MemoryDocuments {
    document: Mutex<Option<Document>>,
    away: AtomicBool,
}

impl MemoryDocuments {
    /// Makes every call fail, or no longer.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    fn check(&self) -> Result<()> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(Error::Unavailable("away".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl Documents for MemoryDocuments {
    async fn document(&self, _: &str) -> Result<Option<Document>> {
        self.check()?;
        Ok(self.document.lock().clone())
    }

    async fn put_document(&self, _: &str, expected: u64, body: Vec<u8>) -> Result<u64> {
        self.check()?;
        let mut document = self.document.lock();
        let version = document.as_ref().map_or(0, |document| document.version);
        if version != expected {
            return Err(Error::Conflict);
        }
        *document = Some(Document { version: version + 1, body });
        Ok(version + 1)
    }

    async fn remembered(&self, _: &[u8], _: Timestamp) -> Result<Option<Remembered>> {
        Ok(None)
    }

    async fn remember(&self, _: Vec<u8>, _: Remembered, _: Timestamp) -> Result<()> {
        Ok(())
    }
}
