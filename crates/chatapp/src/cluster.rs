//! Every role in one process, over the embedded store: what `chatapp all` runs, and what end-to-end tests start.
//!
//! The roles are the ones that run by themselves elsewhere; only what lies between them is nearer. Each shard has a runtime with a thread of
//! its own, listeners of its own, and is found, probed and given users by the registry as any other.

mod listener;
mod node;
mod operators;
mod parts;
mod sockets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::Keys;
use parking_lot::Mutex;
use placement::{Epoch, Table};
use ports::{Clock, Entropy, FoundShard, Service, ShardState, SystemClock, SystemEntropy};
use protocol::Shard;
use registry::{Registry, StaticDiscovery};
use store_embedded::EmbeddedStore;
use telemetry::Metrics;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::configuration::Configuration;
use listener::bind;
use node::{Node, NodePlace};
use sockets::Sockets;

/// A running cluster.
pub struct Cluster {
    shared: Arc<Shared>,
    store: Arc<EmbeddedStore>,
    discovery: StaticDiscovery,
    nodes: Mutex<BTreeMap<(Service, Shard), Node>>,
    public_address: SocketAddr,
    operator_address: SocketAddr,
    ready: Arc<AtomicBool>,
}

/// What all roles of the process share: made once, and handed down.
struct Shared {
    configuration: Configuration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
    keys: Arc<Keys>,
    tables: watch::Receiver<Arc<Table>>,
    sockets: Sockets,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Cluster {
    /// Starts everything; when it returns, the cluster is ready.
    ///
    /// # Errors
    /// An address is in use, the data cannot be opened or belongs to another process.
    pub async fn start(configuration: Configuration) -> Result<Self> {
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let public = bind(configuration.public_address, "public_address").await?;
        let operators = bind(configuration.operator_address, "operator_address").await?;
        let store = parts::store(&configuration, &clock)?;
        let metrics = Metrics::new();
        // In tests several clusters run in one process.
        if let Err(error) = metrics.add_process() {
            tracing::debug!(%error, "the process's figures are shown elsewhere");
        }
        let keys = parts::keys(&configuration, &store, &clock, &entropy).await?;
        tracker.spawn(keys.clone().run(stop.clone()));

        let places = places(&configuration).await?;
        let discovery = StaticDiscovery::new(places.iter().map(NodePlace::found).collect());
        let registry = Registry::new(&discovery, store.clone(), clock.clone(), parts::registry_options());
        let registry_routes = registry.router(stop.clone());
        let feed = registry.feed();
        tracker.spawn(registry.run(stop.clone()));
        let tables = parts::tables(feed, &tracker, &stop).await?;

        let shared = Arc::new(Shared {
            configuration,
            clock,
            entropy,
            metrics,
            keys,
            tables,
            sockets: Sockets::default(),
            tracker,
            stop,
        });
        let mut nodes = BTreeMap::new();
        for place in places {
            let key = (place.service, place.shard.clone());
            nodes.insert(key, Node::start(&shared, &store, place).await?);
        }
        let ready = Arc::new(AtomicBool::new(false));
        let notification = parts::notification(&shared, &store)?;
        let api = parts::api(&shared, &store, notification)?;
        let cluster = Self {
            public_address: public.local_addr()?,
            operator_address: operators.local_addr()?,
            store,
            discovery,
            nodes: Mutex::new(nodes),
            ready,
            shared,
        };
        let shared = &cluster.shared;
        shared.serve(public, parts::hardened(api.router()));
        let routes = operators::router(&shared.metrics, &cluster.ready, &cluster.store).merge(registry_routes);
        shared.serve(operators, routes);
        cluster.ready.store(true, Ordering::Release);
        Ok(cluster)
    }

    /// Gives where clients connect.
    pub fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// Gives where operators look.
    pub fn operator_address(&self) -> SocketAddr {
        self.operator_address
    }

    /// Gives the epoch of the placement table in force.
    pub fn epoch(&self) -> Epoch {
        self.shared.tables.borrow().epoch
    }

    /// Starts another chat shard, or one that was killed; the registry gives it users once it has been found.
    ///
    /// # Errors
    /// It runs already, or no address is free.
    pub async fn start_chat(&self, shard: &Shard) -> Result<()> {
        let key = (Service::Chat, shard.clone());
        if self.nodes.lock().contains_key(&key) {
            bail!("{shard} runs already");
        }
        let place = NodePlace::bind(&self.shared.configuration, Service::Chat, shard.clone(), None).await?;
        let found = place.found();
        let node = Node::start(&self.shared, &self.store, place).await?;
        self.nodes.lock().insert(key, node);
        self.change(|shards| {
            shards.retain(|known| known.shard != found.shard);
            shards.push(found);
        });
        Ok(())
    }

    /// Ends a chat shard without a word, as a crash would; the registry notices by itself.
    pub async fn kill(&self, shard: &Shard) {
        let node = self.nodes.lock().remove(&(Service::Chat, shard.clone()));
        if let Some(node) = node {
            self.shared.sockets.remove(shard);
            node.kill();
        }
    }

    /// Sends all clients away, spread over the drain window, and stops everything; what was taken is durable when it returns.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Release);
        let window = Duration::from_secs(self.shared.configuration.drain_seconds);
        let nodes: Vec<Node> = std::mem::take(&mut *self.nodes.lock()).into_values().collect();
        futures_util::future::join_all(nodes.iter().map(|node| node.drain(window))).await;
        self.shared.stop.cancel();
        self.shared.tracker.close();
        futures_util::future::join_all(nodes.into_iter().map(Node::stop)).await;
        self.shared.tracker.wait().await;
        self.store.close().await;
    }

    fn change(&self, change: impl FnOnce(&mut Vec<FoundShard>)) {
        let mut shards = ports::Discovery::watch(&self.discovery).borrow().clone();
        change(&mut shards);
        shards.sort_by(|one, other| (one.service, &one.shard).cmp(&(other.service, &other.shard)));
        self.discovery.set(shards);
    }
}

impl Shared {
    /// Serves a router until the program stops.
    fn serve(&self, listener: tokio::net::TcpListener, router: axum::Router) {
        let limits = parts::server_limits(&self.configuration);
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        self.tracker.spawn(http_edge::serve(listener, router, limits, stop, tracker));
    }
}

/// Binds the listeners of all shards: the registry knows where they are before they start.
async fn places(configuration: &Configuration) -> Result<Vec<NodePlace>> {
    let mut places = Vec::new();
    let services = [
        (Service::Chat, "chat", configuration.chat_shards),
        (Service::Presence, "presence", configuration.presence_shards),
    ];
    for (service, name, count) in services {
        for number in 0..count {
            let shard = Shard::new(&format!("{name}-{number}"))?;
            let offset = u16::try_from(places.len()).context("too many shards")?;
            places.push(NodePlace::bind(configuration, service, shard, Some(offset)).await?);
        }
    }
    Ok(places)
}

impl NodePlace {
    fn found(&self) -> FoundShard {
        FoundShard {
            shard: self.shard.clone(),
            service: self.service,
            url: self.url.clone(),
            health_url: Some(self.health_url.clone()),
            state: ShardState::Serving,
            weight: 100,
        }
    }
}
