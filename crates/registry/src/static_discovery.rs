//! Discovery from a list that is set by hand.

use ports::{Discovery, Shards};
use tokio::sync::watch;

/// A list of shards from the configuration; it can be replaced while the registry runs.
#[derive(Debug)]
pub struct StaticDiscovery(watch::Sender<Shards>);

impl StaticDiscovery {
    /// Begins with these shards.
    #[must_use]
    pub fn new(shards: Shards) -> Self {
        Self(watch::Sender::new(shards))
    }

    /// Replaces the list.
    pub fn set(&self, shards: Shards) {
        self.0.send_replace(shards);
    }
}

impl Discovery for StaticDiscovery {
    fn watch(&self) -> watch::Receiver<Shards> {
        self.0.subscribe()
    }
}
