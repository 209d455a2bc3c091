//! Every role in one process, over the embedded store: what `chatapp all` runs, and what end-to-end tests start.
//!
//! The roles are the ones that run by themselves elsewhere; only what lies between them is nearer. Each shard has a runtime with a thread of
//! its own, listeners of its own, and is found, probed and given users by the registry as any other.

mod node;
mod sockets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::Keys;
use futures_util::future::join_all;
use notification::Notification;
use parking_lot::Mutex;
use placement::{Epoch, Table};
use ports::{FoundShard, ShardState};
use protocol::{Service, Shard};
use registry::{StaticDiscovery, TableFeed};
use tokio::sync::watch;

use crate::base::Base;
use crate::configuration::Configuration;
use crate::listener::bind;
use crate::notes::Notes;
use crate::{parts, tables};
use node::{Node, NodePlace};
use sockets::Sockets;

/// A running cluster.
pub struct Cluster {
    shared: Arc<Shared>,
    discovery: StaticDiscovery,
    nodes: Mutex<BTreeMap<(Service, Shard), Node>>,
    public_address: SocketAddr,
    operator_address: SocketAddr,
    ready: Arc<AtomicBool>,
}

/// What all roles share once there is a table.
struct Shared {
    base: Base,
    keys: Arc<Keys>,
    tables: watch::Receiver<Arc<Table>>,
    sockets: Sockets,
}

impl Cluster {
    /// Starts everything; when it returns, the cluster is ready.
    ///
    /// # Errors
    /// An address is in use, the data cannot be opened or belongs to another process.
    pub async fn start(configuration: Configuration) -> Result<Self> {
        let public = bind(configuration.public_address, "public_address").await?;
        let operators = bind(configuration.operator_address, "operator_address").await?;
        let base = Base::open(configuration).await?;
        let keys = parts::keys(&base).await?;

        let places = places(&base).await?;
        let discovery = StaticDiscovery::new(places.iter().map(NodePlace::found).collect());
        let registry = parts::registry(&base, &discovery, parts::registry_options());
        let registry_routes = registry.router(base.stop.clone());
        let feed = registry.feed();
        base.tracker.spawn(registry.run(base.stop.clone()));
        let tables = first_table(feed, &base, &places).await?;

        let shared = Arc::new(Shared { base, keys, tables, sockets: Sockets::default() });
        let mut nodes = BTreeMap::new();
        for place in places {
            let key = (place.service, place.shard.clone());
            nodes.insert(key, Node::start(&shared, place).await?);
        }
        let (base, connected) = (&shared.base, Arc::new(shared.sockets.clone()));
        let notification = Notification::start(parts::notification(base, connected)?)?;
        let notifier = Arc::new(Notes::new(notification, base.tracker.clone()));
        let api = parts::api(base, shared.keys.clone(), shared.tables.clone(), notifier)?;
        let ready = Arc::new(AtomicBool::new(true));
        let routes = shared.base.operators(&ready).merge(registry_routes);
        let (public_address, operator_address) = (public.local_addr()?, operators.local_addr()?);
        shared.base.serve(public, api.router());
        shared.base.serve(operators, routes);
        Ok(Self { shared, discovery, nodes: Mutex::new(nodes), public_address, operator_address, ready })
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
        let place = NodePlace::bind(&self.shared.base, Service::Chat, shard.clone(), None).await?;
        let found = place.found();
        let node = Node::start(&self.shared, place).await?;
        self.nodes.lock().insert(key, node);
        self.change(|shards| {
            shards.retain(|known| known.shard != found.shard);
            shards.push(found);
        });
        Ok(())
    }

    /// Ends a chat shard without a word, as a crash would; the registry notices by itself.
    pub fn kill(&self, shard: &Shard) {
        let node = self.nodes.lock().remove(&(Service::Chat, shard.clone()));
        self.shared.sockets.remove(shard);
        drop(node);
    }

    /// Sends all clients away, spread over the drain window, and stops everything; what was taken is durable when it returns.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Release);
        let base = &self.shared.base;
        let window = Duration::from_secs(base.configuration.drain_seconds);
        let nodes: Vec<Node> = std::mem::take(&mut *self.nodes.lock()).into_values().collect();
        join_all(nodes.iter().map(|node| node.drain(window))).await;
        base.stop.cancel();
        join_all(nodes.into_iter().map(Node::stop)).await;
        base.close().await;
    }

    fn change(&self, change: impl FnOnce(&mut Vec<FoundShard>)) {
        let mut shards = ports::Discovery::watch(&self.discovery).borrow().clone();
        change(&mut shards);
        shards.sort_by(|one, other| (one.service, &one.shard).cmp(&(other.service, &other.shard)));
        self.discovery.set(shards);
    }
}

/// Binds the listeners of all shards: the registry knows where they are before they start.
async fn places(base: &Base) -> Result<Vec<NodePlace>> {
    let (configuration, mut places) = (&base.configuration, Vec::new());
    let services = [
        (Service::Chat, "chat", configuration.chat_shards),
        (Service::Presence, "presence", configuration.presence_shards),
    ];
    for (service, name, count) in services {
        for number in 0..count {
            let shard = Shard::new(&format!("{name}-{number}"))?;
            let offset = u16::try_from(places.len()).context("too many shards")?;
            places.push(NodePlace::bind(base, service, shard, Some(offset)).await?);
        }
    }
    Ok(places)
}

/// Waits for the first table with these shards where they are now, and passes every later one on.
///
/// The registry begins with the table of the last run, in which the shards of this machine had other ports.
async fn first_table(
    mut feed: TableFeed,
    base: &Base,
    places: &[NodePlace],
) -> Result<watch::Receiver<Arc<Table>>> {
    let mut epoch = placement::Epoch::ZERO;
    let first = loop {
        let table = feed.newer_than(epoch).await.context("the registry ended")?;
        if places.iter().all(|place| place.is_in(&table)) {
            break table;
        }
        epoch = table.epoch;
    };
    Ok(tables::after(first, feed, base))
}

impl NodePlace {
    /// Says whether a table has the shard at its address of today.
    fn is_in(&self, table: &Table) -> bool {
        let assignment = registry::assignment_of(table, self.service);
        assignment.member(&self.shard).is_some_and(|member| member.url == self.url)
    }

    fn found(&self) -> FoundShard {
        FoundShard {
            shard: self.shard.clone(),
            service: self.service,
            url: self.url.clone(),
            operator_url: Some(self.operator_url.clone()),
            state: ShardState::Serving,
            weight: 100,
        }
    }
}
