//! Segments as objects.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use protocol::ConversationId;

use crate::archive::{Archive, Segment, Stored};
use crate::error::{Error, Result};
use crate::{format, name};

/// How many names are looked at for the segment of an event: what S3 gives in one answer.
const LOOK_AT: usize = 1_000;

/// Keeps each segment as an object: [`ObjectArchive::folder`] in a folder, [`ObjectArchive::s3`] in a bucket.
pub struct ObjectArchive {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What all names begin with.
    pub(crate) prefix: Path,
    /// Whether the store lists names in order, so that it need not list them all.
    pub(crate) sorted: bool,
}

impl ObjectArchive {
    /// Looks whether the archive can be reached, is there, and may be listed.
    ///
    /// # Errors
    /// `Denied`, `NoBucket`, `Unavailable`.
    pub async fn check(&self) -> Result<()> {
        let mut names = self.store.list_with_offset(Some(&self.prefix), &self.prefix);
        names.try_next().await.map_err(of_the_whole).map(drop)
    }

    /// Gives the segments whose names come after a name, in order; at most `limit`.
    async fn after(&self, conversation: ConversationId, offset: &Path, limit: usize) -> Result<Vec<Stored>> {
        let folder = name::folder(&self.prefix, conversation);
        let names = self.store.list_with_offset(Some(&folder), offset);
        let names = names.try_filter_map(async |object| {
            Ok(name::parse(&object.location).map(|stored| (object.location, stored)))
        });
        let mut found: Vec<(Path, Stored)> = match self.sorted {
            true => names.take(limit).try_collect().await.map_err(of_the_whole)?,
            false => names.try_collect().await.map_err(of_the_whole)?,
        };
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(limit);
        Ok(found.into_iter().map(|(_, stored)| stored).collect())
    }
}

#[async_trait]
impl Archive for ObjectArchive {
    async fn put(&self, conversation: ConversationId, segment: Segment, bytes: Bytes) -> Result<Stored> {
        let (stored, object) = off_thread(move || format::encode(conversation, segment, &bytes)).await?;
        let name = name::object(&self.prefix, conversation, stored);
        // One request, in one part: a store makes it visible whole or not at all.
        self.store.put(&name, object.into()).await.map_err(of_the_whole)?;
        Ok(stored)
    }

    async fn get(&self, conversation: ConversationId, stored: Stored) -> Result<Bytes> {
        let object = self.store.get(&name::object(&self.prefix, conversation, stored)).await?;
        if object.meta.size > 2 * format::MAX_BYTES as u64 {
            return Err(Error::Corrupt("it is too large"));
        }
        let object = object.bytes().await?;
        off_thread(move || format::decode(conversation, stored, &object)).await
    }

    async fn find(&self, conversation: ConversationId, seq: u64) -> Result<Option<Stored>> {
        let before = name::before(&self.prefix, conversation, seq);
        let later = self.after(conversation, &before, LOOK_AT).await?;
        let holding = later.into_iter().filter(|stored| stored.segment.first <= seq);
        Ok(holding.max_by_key(|Stored { segment, .. }| (segment.generation, segment.last - segment.first)))
    }

    async fn list(
        &self,
        conversation: ConversationId,
        after: Option<Stored>,
        limit: usize,
    ) -> Result<Vec<Stored>> {
        let offset = match after {
            Some(stored) => name::object(&self.prefix, conversation, stored),
            None => name::before(&self.prefix, conversation, 0),
        };
        self.after(conversation, &offset, limit).await
    }

    async fn delete(&self, conversation: ConversationId, stored: Stored) -> Result<()> {
        match self.store.delete(&name::object(&self.prefix, conversation, stored)).await.map_err(Error::from)
        {
            Ok(()) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn delete_all(&self, conversation: ConversationId) -> Result<()> {
        loop {
            let some = self.list(conversation, None, LOOK_AT).await?;
            if some.is_empty() {
                return Ok(());
            }
            for stored in some {
                self.delete(conversation, stored).await?;
            }
        }
    }
}

impl fmt::Debug for ObjectArchive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectArchive({}/{})", self.store, self.prefix)
    }
}

/// Names no object in particular: what is not found is the bucket.
fn of_the_whole(error: object_store::Error) -> Error {
    let text = error.to_string();
    match Error::from(error) {
        Error::NotFound => Error::NoBucket(text),
        error => error,
    }
}

/// Compresses, or the reverse, where it holds up nobody.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(Error::Unavailable("this process is ending".to_owned())))
}
