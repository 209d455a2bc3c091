//! How a store is opened, and why it may not be.

use std::path::PathBuf;
use std::sync::Arc;

use ports::{Clock, Entropy, SystemClock, SystemEntropy};

/// How a store behaves.
#[derive(Clone)]
pub struct Options {
    /// Whether each write is on the disk before it is acknowledged. Without it a crash of the machine (not of the program alone)
    /// loses what was written last, and the next events have a higher generation.
    pub sync: bool,
    /// How many writes may wait; more are refused with `Unavailable`.
    pub queue: usize,
    /// Says when what has expired may be forgotten.
    pub clock: Arc<dyn Clock>,
    /// Makes the identifiers of direct conversations.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or this one, has it open.
    #[error("the data folder {folder} is in use by another process", folder = folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "the data folder {folder} has format {found}, and this program knows formats up to {known}",
        folder = folder.display()
    )]
    NewerFormat {
        /// The folder.
        folder: PathBuf,
        /// The format that it has.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// It holds files of something else.
    #[error("the data folder {folder} does not hold a store: {reason}", folder = folder.display())]
    NotAStore {
        /// The folder.
        folder: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The operating system refuses it.
    #[error("the data folder {folder} cannot be used: {error}", folder = folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// What it holds cannot be read.
    #[error("the database in {folder} cannot be opened: {reason}", folder = folder.display())]
    Database {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self { sync: true, queue: 65_536, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }
}
