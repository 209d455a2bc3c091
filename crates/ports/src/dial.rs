//! Connections to other processes.

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection: bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> Stream for T {}

/// Connects to the other processes of the cluster.
#[async_trait]
pub trait Dial: Debug + Send + Sync {
    /// Connects to `authority`, which is a host and a port as in a URL; without a port it is 80.
    ///
    /// It takes as long as the network does: the caller says for how long it waits. What is sent leaves at once, and a peer that
    /// vanishes without a word is noticed.
    ///
    /// # Errors
    /// `authority` is none, is not known, or nobody listens there.
    async fn dial(&self, authority: &str) -> io::Result<Box<dyn Stream>>;
}
