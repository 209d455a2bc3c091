//! The store as a whole: opening, closing, reading and writing.

use std::path::Path;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use ports::{Clock, Error, Result};

use crate::engine::{Disk, Engine, Memory, View};
use crate::folder::Folder;
use crate::inbox::Inboxes;
use crate::outbox::{OutboxReceivers, channels};
use crate::run::Run;
use crate::writer::{WriteContext, Writer, WriterMemory};
use crate::{OpenError, Options};

/// Up to this many records are read on the calling thread: that takes less than a millisecond.
const FEW: usize = 256;

/// A store in a folder, or in memory, for one process: everything of [`ports::Store`], and the [`ports::Log`], [`ports::Inbox`] and [`ports::Outbox`].
///
/// All writes go through one thread, which executes those that wait in one transaction, syncs once, and then answers them. Reads
/// go to the database on the calling thread if they are short, to tokio's blocking threads if not.
pub struct EmbeddedStore {
    // The order in which they are dropped: the writer ends first, the lock goes last.
    writer: Writer,
    engine: Arc<dyn Engine>,
    pub(crate) outbox: OutboxReceivers,
    pub(crate) inboxes: Inboxes,
    pub(crate) options: Options,
    _folder: Option<Folder>,
}

impl EmbeddedStore {
    /// Opens the store in `folder`, and makes it if there is none. Blocks while it does, for as long as the journal takes to be read again
    /// after a crash.
    ///
    /// # Errors
    /// See [`OpenError`]: in use by another process, of a newer format, not readable.
    pub fn open(folder: impl AsRef<Path>, options: Options) -> std::result::Result<Self, OpenError> {
        let path = folder.as_ref();
        let folder = Folder::open(path)?;
        let database = |reason: &dyn std::fmt::Display| OpenError::Database {
            folder: path.to_owned(),
            reason: reason.to_string(),
        };
        let engine = Disk::open(&folder.database()).map_err(|error| database(&error))?;
        let store = Self::start(Arc::new(engine), Some(folder), options).map_err(|error| database(&error))?;
        tracing::info!(folder = %path.display(), "the store is open");
        Ok(store)
    }

    /// Makes an empty store in memory, for tests.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self::in_memory_with(Options { clock, ..Options::default() })
    }

    /// Makes an empty store in memory, with all options.
    ///
    /// # Panics
    /// If the operating system gives no thread.
    #[expect(clippy::expect_used, reason = "tests are what it is for")]
    pub fn in_memory_with(options: Options) -> Self {
        Self::start(Arc::new(Memory::default()), None, options).expect("a thread can be started")
    }

    /// Says whether writes are taken: after one has failed none is, until the store is opened again.
    pub fn is_writable(&self) -> bool {
        self.writer.is_open()
    }

    /// Executes the writes that wait, marks the store as cleanly closed, and ends the writer. Reads go on, writes give `Unavailable`.
    ///
    /// Dropping the store does the same, but blocks, and cannot say whether it failed.
    ///
    /// # Errors
    /// `Unavailable` if a write failed, now or earlier.
    pub async fn close(&self) -> Result<()> {
        self.writer.close().await
    }

    fn start(engine: Arc<dyn Engine>, folder: Option<Folder>, options: Options) -> Result<Self> {
        let run = Run::begin(&*engine, options.sync)?;
        let memory = WriterMemory::load(&*engine.snapshot(), run.generation())?;
        let (senders, outbox) = channels(&memory.outbox);
        let writer = Writer::start(engine.clone(), memory, run, options.queue, senders)
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Self { writer, engine, outbox, inboxes: Inboxes::default(), options, _folder: folder })
    }

    /// Reads on this thread: for a few records.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&dyn View) -> Result<T>) -> Result<T> {
        read(&*self.engine.snapshot())
    }

    /// Reads on a thread that may block: for many records.
    pub(crate) async fn read_many<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || read(&*engine.snapshot()))
            .await
            .unwrap_or_else(|error| Err(Error::Unavailable(error.to_string())))
    }

    /// Reads about `count` records: on this thread if they are few.
    pub(crate) async fn read_about<T: Send + 'static>(
        &self,
        count: usize,
        read: impl FnOnce(&dyn View) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if count <= FEW { self.read(read) } else { self.read_many(read).await }
    }

    /// Queues a write at once, and gives a future of its outcome. It is executed even if nobody waits for that.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut WriteContext<'_>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        self.writer.enqueue(command)
    }
}
