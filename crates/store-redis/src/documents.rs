//! Documents with versions, and answers that are remembered for a while.

use async_trait::async_trait;
use bytes::Bytes;
use ports::{Document, Documents, Error, Remembered, Result};
use protocol::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{arguments, entity};

static READ: Script = entity!("document");
static PUT: Script = entity!("put_document");
static REMEMBERED: Script = entity!("remembered");
static REMEMBER: Script = entity!("remember");

/// The longest key part that a caller may choose freely, in bytes.
const MAX_NAME_BYTES: usize = 4096;
/// How much longer than necessary an answer is kept, in milliseconds.
const MARGIN: u64 = 60_000;

#[async_trait]
impl Documents for RedisStore {
    async fn document(&self, name: &str) -> Result<Option<Document>> {
        check_name(name)?;
        // A version that somebody has seen must not come again with another body.
        let stored = self.look_settled(Call::new(&READ, vec![self.document_key(name)], Vec::new())).await?;
        let (version, body): (Option<u64>, Option<Vec<u8>>) = stored;
        Ok(version.zip(body).map(|(version, body)| Document { version, body }))
    }

    async fn put_document(&self, name: &str, expected: u64, body: Vec<u8>) -> Result<u64> {
        check_name(name)?;
        let arguments = arguments![&self.token(), expected, body];
        self.write(Call::new(&PUT, vec![self.document_key(name)], arguments)).await
    }

    async fn remembered(&self, key: &[u8], now: Timestamp) -> Result<Option<Remembered>> {
        check_name(key)?;
        let stored = self.look(Call::new(&REMEMBERED, vec![self.answer_key(key)], Vec::new())).await?;
        let stored: (Option<Vec<u8>>, Option<Vec<u8>>, Option<u64>) = stored;
        let (Some(request), Some(answer), Some(expires_at)) = stored else { return Ok(None) };
        let remembered = Remembered { request, answer, expires_at: Timestamp(expires_at) };
        Ok(Some(remembered).filter(|remembered| remembered.expires_at > now))
    }

    async fn remember(&self, key: Vec<u8>, answer: Remembered, now: Timestamp) -> Result<()> {
        check_name(&key)?;
        let Remembered { request, answer, expires_at } = answer;
        let kept = expires_at.0.saturating_sub(now.0) + MARGIN;
        let arguments = arguments![kept, request, answer, expires_at];
        self.write(Call::new(&REMEMBER, vec![self.answer_key(&key)], arguments)).await
    }
}

impl RedisStore {
    fn document_key(&self, name: &str) -> Bytes {
        self.context.keys.tagged(&format!("doc:{name}"), "")
    }

    fn answer_key(&self, key: &[u8]) -> Bytes {
        let tagged = self.context.keys.tagged(&format!("a:{:016x}", xxh3_64(key)), ":");
        [&tagged[..], key].concat().into()
    }
}

/// Refuses names, chosen freely by a caller, that are too long to be a part of a key.
pub(crate) fn check_name(name: impl AsRef<[u8]>) -> Result<()> {
    if name.as_ref().len() > MAX_NAME_BYTES {
        return Err(Error::LimitReached("bytes in a name"));
    }
    Ok(())
}
