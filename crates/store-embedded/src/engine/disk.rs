//! The engine on the disk: fjall, a log-structured merge tree. `docs/decisions/001-embedded-store.md` says why.

use std::fs::{self, File};
use std::path::Path;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use ports::{Error, Result};

use super::{Changes, Direction, Engine, View, Visitor};
use crate::keys::KeyRange;

/// The name of the one keyspace: one journal and one tree, so that what recovery replays stays bounded.
const KEYSPACE: &str = "all";
/// How much of the disk is kept in memory, in bytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// A database in a folder.
pub(crate) struct Disk {
    database: Database,
    keyspace: Keyspace,
}

struct DiskView<'a> {
    snapshot: Snapshot,
    keyspace: &'a Keyspace,
}

impl Disk {
    /// Opens the database in `folder`, and makes it if there is none.
    ///
    /// A new one is made beside and then moved to its place, so that a process killed meanwhile leaves nothing half made.
    pub(crate) fn open(folder: &Path) -> fjall::Result<Self> {
        if !folder.exists() {
            let draft = folder.with_extension("new");
            if draft.exists() {
                fs::remove_dir_all(&draft)?;
            }
            drop(Self::open_at(&draft)?);
            fs::rename(&draft, folder)?;
            if let Some(parent) = folder.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Self::open_at(folder)
    }

    fn open_at(folder: &Path) -> fjall::Result<Self> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES).open()?;
        let keyspace = database.keyspace(KEYSPACE, KeyspaceCreateOptions::default)?;
        Ok(Self { database, keyspace })
    }
}

impl Engine for Disk {
    fn snapshot(&self) -> Box<dyn View + '_> {
        Box::new(DiskView { snapshot: self.database.snapshot(), keyspace: &self.keyspace })
    }

    fn commit(&self, changes: Changes, sync: bool) -> Result<()> {
        let mode = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.database.batch().durability(Some(mode));
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(&self.keyspace, key, &*value),
                None => batch.remove(&self.keyspace, key),
            }
        }
        batch.commit().map_err(|error| failed(&error))
    }
}

impl View for DiskView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let value = self.snapshot.get(self.keyspace, key).map_err(|error| failed(&error))?;
        // Copied, because a slice would keep the whole block that it lies in.
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visitor: Visitor<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let mut pairs = self.snapshot.range(self.keyspace, range.from.as_slice()..range.to.as_slice());
        let mut next = || match direction {
            Direction::Forward => pairs.next(),
            Direction::Backward => pairs.next_back(),
        };
        while let Some(guard) = next() {
            let (key, value) = guard.into_inner().map_err(|error| failed(&error))?;
            if visitor(&key, &value)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn failed(error: &fjall::Error) -> Error {
    match error {
        fjall::Error::Io(_) | fjall::Error::Poisoned => Error::Unavailable(error.to_string()),
        fjall::Error::Storage(fjall::LsmError::Io(_)) => Error::Unavailable(error.to_string()),
        _ => Error::Corrupt(error.to_string()),
    }
}
