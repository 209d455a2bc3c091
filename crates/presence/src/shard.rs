//! The shard as its composition sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use availability::Departure;
use axum::Router;
use placement::Table;
use ports::{Clock, Entropy, Inbox, Store, Tasks};
use protocol::chat::ReconnectReason;
use protocol::{CloseCode, Shard};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::authenticator::Authenticator;
use crate::hub::Hub;
use crate::metrics::PresenceMetrics;
use crate::options::PresenceOptions;
use crate::ownership::Ownership;
use crate::{away, loops, upgrade};

/// How often a draining shard looks whether everybody has gone.
const LOOK: Duration = Duration::from_millis(50);

/// What a presence shard is made of.
pub struct PresenceParts {
    /// Its name.
    pub shard: Shard,
    /// What lasts.
    pub store: Arc<dyn Store>,
    /// News to and from other shards.
    pub inbox: Arc<dyn Inbox>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The placement table, and every later one.
    pub tables: watch::Receiver<Arc<Table>>,
    /// Who opens a socket.
    pub authenticator: Arc<dyn Authenticator>,
    /// What operators see.
    pub metrics: PresenceMetrics,
    /// Times and bounds.
    pub options: PresenceOptions,
    /// Where its tasks are spawned.
    pub tasks: Tasks,
    /// Stops it at once: its tasks end, and its sockets are closed with 1001.
    pub stop: CancellationToken,
}

/// A presence shard; clones share it.
#[derive(Clone)]
pub struct PresenceShard {
    hub: Arc<Hub>,
}

impl PresenceShard {
    /// Starts the loops of a shard, and expects those who were connected to its predecessor.
    ///
    /// # Errors
    /// The inbox is not available; nothing was started.
    pub async fn start(mut parts: PresenceParts) -> ports::Result<Self> {
        let cursor = parts.inbox.end(&parts.shard).await?;
        let tables = parts.tables.clone();
        let table = parts.tables.borrow_and_update().clone();
        let ownership = Ownership::new(parts.shard.clone(), table);
        let hub = Arc::new(Hub::new(parts, ownership));
        loops::start(&hub, tables, cursor);
        Ok(Self { hub })
    }

    /// Gives the router with `GET /presence`.
    pub fn router(&self) -> Router {
        upgrade::router(self.hub.clone())
    }

    /// Counts the users that are connected, and their sockets.
    pub fn counts(&self) -> (usize, usize) {
        self.hub.update(|state, _| state.roster.counts())
    }

    /// Says whether the shard takes users.
    pub fn is_draining(&self) -> bool {
        self.hub.draining.load(Ordering::Acquire)
    }

    /// Sends all clients elsewhere, spread over the window, and closes with 4503 whoever is left at its end. Returns when
    /// nobody is connected and the store knows who was there: the next owner expects them.
    pub async fn drain(&self, window: Duration) {
        self.hub.draining.store(true, Ordering::Release);
        let sockets: Vec<_> = self.hub.update(|state, _| {
            state.touch_all();
            state.roster.sockets().cloned().collect()
        });
        tracing::info!(sockets = sockets.len(), "presence shard drains");
        loops::write_records(&self.hub).await;
        let sending = away::send(self.hub.clone(), sockets, window, ReconnectReason::Draining);
        tokio::select! {
            biased;
            () = sending => {}
            () = self.emptied() => {}
        }
        // Again and again, since an upgrade may have been under way.
        while self.counts().1 > 0 {
            self.hub.update(|state, _| {
                for socket in state.roster.sockets() {
                    socket.end(CloseCode::Draining, Departure::Closed);
                }
            });
            tokio::time::sleep(LOOK).await;
        }
        loops::write_records(&self.hub).await;
    }

    /// Waits until nobody is connected.
    async fn emptied(&self) {
        while self.counts().1 > 0 {
            tokio::time::sleep(LOOK).await;
        }
    }
}
