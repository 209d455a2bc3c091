//! The table in the store: the fence between writers.

use std::sync::Arc;

use placement::{Assignment, Epoch, Table};
use ports::{Documents, Error, Result};

use crate::feed::{TableFeed, TableSource};

/// The document that holds the table.
const DOCUMENT: &str = "placement-table";

/// Reads and writes the one published table.
///
/// Invariants: a table is shown only after it is in the store; it is written only over the version that was read
/// last, so that of two writers one fails; its epoch is greater than that of every table read or written here,
/// and than the start of the term, which is the time of the start in seconds. So epochs grow across restarts by
/// what is stored, and if the store has been lost by the clock.
pub(crate) struct Publication {
    documents: Arc<dyn Documents>,
    source: TableSource,
    shown: TableFeed,
    version: u64,
    /// The greatest epoch that is known.
    epoch: Epoch,
}

impl Publication {
    /// Begins a term.
    pub(crate) fn new(documents: Arc<dyn Documents>, source: TableSource, term: u64) -> Self {
        let shown = source.feed();
        Self { documents, source, shown, version: 0, epoch: Epoch::start_of(term) }
    }

    /// Gives the last table.
    pub(crate) fn current(&self) -> Option<Arc<Table>> {
        self.shown.current()
    }

    /// Reads what is in the store and shows it if it is newer.
    pub(crate) async fn refresh(&mut self) -> Result<()> {
        let Some(document) = self.documents.document(DOCUMENT).await? else {
            self.version = 0;
            return Ok(());
        };
        self.version = document.version;
        match serde_json::from_slice::<Table>(&document.body) {
            Ok(table) => {
                self.epoch = self.epoch.max(table.epoch);
                self.source.offer(Arc::new(table));
            }
            // The next table is written over it: better a fresh placement than none for ever.
            Err(error) => {
                tracing::error!(%error, version = document.version, "the stored table is unreadable");
            }
        }
        Ok(())
    }

    /// Writes a table under the next epoch, then shows it. On a conflict it reads what the other one wrote.
    pub(crate) async fn publish(&mut self, chat: Assignment, presence: Assignment) -> Result<Arc<Table>> {
        let epoch = self.epoch.next().ok_or(Error::LimitReached("epochs"))?;
        let table = Arc::new(Table { epoch, chat, presence });
        let body = serde_json::to_vec(&*table).map_err(|error| Error::Corrupt(error.to_string()))?;
        match self.documents.put_document(DOCUMENT, self.version, body).await {
            Ok(version) => (self.version, self.epoch) = (version, epoch),
            Err(Error::Conflict) => {
                self.refresh().await?;
                return Err(Error::Conflict);
            }
            Err(error) => return Err(error),
        }
        self.source.offer(Arc::clone(&table));
        Ok(table)
    }
}
