//! What lasts: the adapter that the configuration names, behind the ports.

use std::sync::Arc;

use anyhow::{Context, Result};
use ports::{Clock, Inbox, Log, Outbox, Store};
use store_embedded::EmbeddedStore;

use crate::configuration::Configuration;

/// The store behind the ports. Clones are the same.
#[derive(Clone)]
pub(crate) struct Backend {
    /// Everything but the logs.
    pub(crate) store: Arc<dyn Store>,
    /// The conversations' logs.
    pub(crate) log: Arc<dyn Log>,
    /// News between shards.
    pub(crate) inbox: Arc<dyn Inbox>,
    /// What is to be told to those who are away.
    pub(crate) outbox: Arc<dyn Outbox>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Embedded(Arc<EmbeddedStore>),
}

impl Backend {
    /// Opens the store.
    pub(crate) fn open(configuration: &Configuration, clock: &Arc<dyn Clock>) -> Result<Self> {
        let options = store_embedded::Options {
            sync: configuration.sync,
            clock: clock.clone(),
            ..store_embedded::Options::default()
        };
        let folder = &configuration.data_directory;
        let store = EmbeddedStore::open(folder, options)
            .with_context(|| format!("data_directory: cannot open {}", folder.display()))?;
        let store = Arc::new(store);
        Ok(Self {
            store: store.clone(),
            log: store.clone(),
            inbox: store.clone(),
            outbox: store.clone(),
            kind: Kind::Embedded(store),
        })
    }

    /// Says whether it takes writes, as far as is known.
    pub(crate) fn is_writable(&self) -> bool {
        match &self.kind {
            Kind::Embedded(store) => store.is_writable(),
        }
    }

    /// Closes it: what was taken is durable when it returns.
    pub(crate) async fn close(&self) {
        let closed = match &self.kind {
            Kind::Embedded(store) => store.close().await,
        };
        if let Err(error) = closed {
            tracing::error!(%error, "the store did not close well");
        }
    }
}
