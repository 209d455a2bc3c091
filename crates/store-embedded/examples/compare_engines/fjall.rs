//! fjall: a log-structured merge tree.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use crate::{Candidate, Pair};

/// A database of one keyspace, with the crate's defaults.
pub(crate) struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Candidate for Fjall {
    const NAME: &'static str = "fjall";

    fn open(folder: &Path) -> Self {
        let database = Database::builder(folder.join("fjall")).open().unwrap();
        let keyspace = database.keyspace("all", KeyspaceCreateOptions::default).unwrap();
        Self { database, keyspace }
    }

    fn commit(&self, pairs: Vec<Pair>) {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in pairs {
            batch.insert(&self.keyspace, key, value);
        }
        batch.commit().unwrap();
    }

    fn read(&self, from: &[u8], to: &[u8], limit: usize) -> usize {
        let range = self.database.snapshot().range(&self.keyspace, from..to);
        range.take(limit).map(|guard| usize::from(!guard.value().unwrap().is_empty())).sum()
    }
}
