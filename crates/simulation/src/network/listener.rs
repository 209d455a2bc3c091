//! Waiting for connections.

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::pipe::Pipe;

/// A connection that was made, and the name of who made it.
pub(super) type Knock = (Pipe, String);

/// Accepts the connections to an address.
#[derive(Debug)]
pub struct Listener {
    knocks: UnboundedReceiver<Knock>,
    stop: CancellationToken,
}

impl Listener {
    pub(super) fn new(knocks: UnboundedReceiver<Knock>) -> Self {
        Self { knocks, stop: CancellationToken::new() }
    }

    /// Makes it accept until `stop` only.
    #[must_use]
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Waits for a connection, and gives it with the peer's name; `None` says that there are no more: it was stopped, or another
    /// listens now.
    pub async fn accept(&mut self) -> Option<(Pipe, String)> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            knock = self.knocks.recv() => knock,
        }
    }

    /// Gives what ends it.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }
}
