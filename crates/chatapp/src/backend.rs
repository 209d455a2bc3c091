//! What lasts: the adapter that the configuration names, behind the ports.

use std::sync::Arc;

use anyhow::{Context, Result};
use ports::{Clock, Entropy, Inbox, Log, Outbox, Store};
use store_embedded::EmbeddedStore;
use store_redis::RedisStore;

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
    Redis(Arc<RedisStore>),
}

impl Backend {
    /// Opens the store: the shared one if its addresses are configured, else the one in a folder.
    pub(crate) async fn open(
        configuration: &Configuration,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self> {
        if configuration.redis_urls.is_empty() {
            return Self::open_embedded(configuration, clock);
        }
        let options = store_redis::Options {
            urls: configuration.redis_urls.clone(),
            password_file: configuration.redis_password_file.clone(),
            ca_file: configuration.redis_ca_file.clone(),
            addresses: configuration.redis_addresses(),
            prefix: configuration.redis_prefix.clone(),
            acks: store_redis::Acks::try_from(configuration.redis_acks).map_err(anyhow::Error::msg)?,
            clock: clock.clone(),
            entropy: entropy.clone(),
            ..store_redis::Options::default()
        };
        let store = RedisStore::open(options).await.context("redis_urls: cannot open the store")?;
        let store = Arc::new(store);
        Ok(Self {
            store: store.clone(),
            log: store.clone(),
            inbox: store.clone(),
            outbox: store.clone(),
            kind: Kind::Redis(store),
        })
    }

    fn open_embedded(configuration: &Configuration, clock: &Arc<dyn Clock>) -> Result<Self> {
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
            Kind::Redis(store) => store.is_whole(),
        }
    }

    /// Closes it: what was taken is durable when it returns.
    pub(crate) async fn close(&self) {
        match &self.kind {
            Kind::Embedded(store) => {
                if let Err(error) = store.close().await {
                    tracing::error!(%error, "the store did not close well");
                }
            }
            Kind::Redis(store) => store.close(),
        }
    }
}
