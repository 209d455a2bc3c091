//! What can go wrong in a lab.

use std::io;
use std::path::PathBuf;

/// The result of what a lab does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a lab.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server program is not there; install it, or name another in the options.
    #[error("cannot start {program} (Debian: apt install redis-server): {source}")]
    Program {
        /// The program's name or path.
        program: PathBuf,
        /// Why it could not be started.
        source: io::Error,
    },
    /// A server ended by itself; the log says why.
    #[error("node {node} ended by itself; the end of its log:\n{log}")]
    Ended {
        /// Which node.
        node: usize,
        /// The end of its log.
        log: String,
    },
    /// What was waited for did not come.
    #[error("waited {seconds} s in vain for {what}: {last}")]
    NotInTime {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// What was in the way at the end.
        last: String,
    },
    /// Another lab runs in the folder.
    #[error("{0} is in use by another cluster")]
    InUse(PathBuf),
    /// The node is dead or paused, and the request needs a running one.
    #[error("node {0} is not running")]
    NotRunning(usize),
    /// No running node holds the slot.
    #[error("no running node holds slot {0}")]
    NoOwner(u16),
    /// Nodes can be cut off in a network of the test's own only; see [`crate::in_own_network`].
    #[error("no network of its own: {0}")]
    Network(String),
    /// The test failed inside of its own network; this is what it printed.
    #[error("failed in its own network:\n{0}")]
    Inside(String),
    /// A server refused a command or did not answer.
    #[error("node {node}: {source}")]
    Redis {
        /// Which node.
        node: usize,
        /// What it said.
        source: redis::RedisError,
    },
    /// A node's answer is not what its version should give.
    #[error("cannot understand {0:?}")]
    Answer(String),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
}
