//! redb: a copy-on-write B-tree.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::{Candidate, Pair};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("all");

/// A database of one table, with the crate's defaults.
pub(crate) struct Redb {
    database: Database,
}

impl Candidate for Redb {
    const NAME: &'static str = "redb";

    fn open(folder: &Path) -> Self {
        let database = Database::create(folder.join("redb")).unwrap();
        Self { database }
    }

    fn commit(&self, pairs: Vec<Pair>) {
        let mut transaction = self.database.begin_write().unwrap();
        transaction.set_durability(Durability::Immediate).unwrap();
        {
            let mut table = transaction.open_table(TABLE).unwrap();
            for (key, value) in pairs {
                table.insert(key.as_slice(), value.as_slice()).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    fn read(&self, from: &[u8], to: &[u8], limit: usize) -> usize {
        let transaction = self.database.begin_read().unwrap();
        let table = transaction.open_table(TABLE).unwrap();
        let mut count = 0;
        for pair in table.range(from..to).unwrap().take(limit) {
            let (_, value) = pair.unwrap();
            count += usize::from(!value.value().is_empty());
        }
        count
    }
}
