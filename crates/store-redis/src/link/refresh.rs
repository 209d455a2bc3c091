//! What all lanes share, and the task that keeps the topology right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use ports::{Clock, Error, Tasks};
use redis::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::connection::{Connection, Failure};
use super::lanes::Lanes;
use super::settings::Settings;
use super::topology::{NodeId, Topology};
use super::view::View;
use crate::{OpenError, Options};

/// How often the topology is read when nothing calls for it.
const PERIOD: Duration = Duration::from_secs(5);

/// How long at least lies between two readings.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a node has to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// How long others are waited for once one node has answered.
const OTHERS: Duration = Duration::from_millis(30);

/// How often what has waited too long is looked for.
const EXPIRY: Duration = Duration::from_millis(100);

/// How often the same trouble is logged.
const LOG: Duration = Duration::from_secs(10);

/// What all lanes share.
pub(crate) struct Shared {
    /// How many replicas acknowledge a write.
    pub(super) acks: u8,
    /// How many calls and bytes may wait for the lanes of a purpose.
    pub(super) room: (usize, usize),
    /// Where lanes run.
    pub(super) tasks: Tasks,
    /// Ends everything.
    pub(super) stop: CancellationToken,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    /// How long a call is tried.
    pub(super) patience: Duration,
    topology: watch::Sender<Arc<Topology>>,
    wanted: Notify,
    logged: Mutex<HashMap<&'static str, Duration>>,
}

/// Whether as many replicas as acknowledge a write can prove that what is read lasts, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Settling {
    /// There are enough.
    Now,
    /// None is known: some may become known.
    Sometime,
    /// Some have failed.
    Never,
}

impl Shared {
    /// Finds the cluster.
    pub(super) async fn open(options: &Options) -> Result<Arc<Self>, OpenError> {
        let shared = Arc::new(Self {
            acks: options.acks.replicas(),
            room: (options.queue_calls, options.queue_bytes),
            tasks: options.tasks.clone(),
            stop: CancellationToken::new(),
            settings: Settings::new(options)?,
            clock: options.clock.clone(),
            patience: options.deadline,
            topology: watch::Sender::new(Arc::default()),
            wanted: Notify::new(),
            logged: Mutex::new(HashMap::new()),
        });
        let mut connections = HashMap::new();
        let topology = shared.read(&mut connections).await.map_err(|failure| match failure {
            Failure::Denied(why) => OpenError::Denied(why),
            Failure::NoCluster => OpenError::NoCluster,
            other => OpenError::Unreachable(other.to_string()),
        })?;
        if !topology.is_whole() {
            tracing::warn!("some slots of the redis cluster have no node");
        }
        shared.topology.send_replace(Arc::new(topology));
        Ok(shared)
    }

    /// Starts the tasks that keep the topology right and the lanes with it, until the store is closed.
    pub(super) fn keep_fresh(self: Arc<Self>, lanes: Vec<Arc<Lanes>>) {
        let shared = self.clone();
        self.tasks.spawn(async move {
            let tend = async { tokio::join!(shared.lead(&lanes), shared.expire(&lanes)) };
            shared.stop.run_until_cancelled(tend).await;
            for lanes in &lanes {
                lanes.close();
            }
        });
        let shared = self.clone();
        self.tasks.spawn(async move {
            shared.stop.run_until_cancelled(shared.keep_reading()).await;
        });
    }

    /// Gives the time.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Gives until when a call is tried that begins now.
    pub(super) fn deadline(&self) -> Duration {
        self.now() + self.patience
    }

    /// Gives the topology, and tells of changes.
    pub(super) fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.topology.subscribe()
    }

    /// Gives the topology as it is known now.
    pub(super) fn current(&self) -> Arc<Topology> {
        self.topology.borrow().clone()
    }

    /// Has the topology read anew soon.
    pub(super) fn refresh(&self) {
        self.wanted.notify_one();
    }

    /// Says how reads of a slot are sure to be of what lasts.
    pub(super) fn settling(&self, slot: u16) -> Settling {
        let topology = self.current();
        let Some(owner) = topology.owner(slot) else { return Settling::Sometime };
        let replicas = topology.replicas(owner).count();
        if replicas >= usize::from(self.acks) {
            Settling::Now
        } else if replicas > 0 || topology.is_alone(owner) {
            Settling::Never
        } else {
            Settling::Sometime
        }
    }

    /// Says whether each slot has a node.
    pub(super) fn is_whole(&self) -> bool {
        self.current().is_whole()
    }

    /// Gives the node at an address.
    pub(super) fn node_at(&self, address: &Address) -> Option<NodeId> {
        self.current().at(address).cloned()
    }

    /// Believes a node that says that a slot has moved.
    pub(super) fn moved(&self, slot: u16, to: &Address) {
        self.topology.send_if_modified(|topology| {
            let Some(node) = topology.at(to).filter(|node| topology.owner(slot) != Some(*node)) else {
                return false;
            };
            *topology = Arc::new(topology.with_move(slot, node));
            true
        });
    }

    /// Connects to a node.
    pub(super) async fn connect_to(&self, node: &NodeId) -> Result<Connection, Failure> {
        let topology = self.current();
        let Some(known) = topology.node(node) else {
            return Err(Failure::Broken("the node has left the cluster".to_owned()));
        };
        let opened = Connection::open(&self.settings, &known.address).await;
        if let Err(failure @ (Failure::Denied(_) | Failure::NoCluster)) = &opened {
            self.log("denied", || tracing::error!(%node, %failure, "redis refuses the connection"));
        }
        let connection = opened?;
        if connection.node != *node {
            return Err(Failure::Broken("another node has its address".to_owned()));
        }
        Ok(connection)
    }

    /// Connects to the master of a slot.
    pub(super) async fn connect_to_master(&self, slot: u16) -> Result<Connection, Failure> {
        match self.current().owner(slot) {
            Some(node) => self.connect_to(node).await,
            None => Err(Failure::Broken("the slot has no node".to_owned())),
        }
    }

    /// Logs that too few replicas have acknowledged a batch.
    pub(super) fn short_of_replicas(&self, node: &NodeId, replicas: Option<u64>) {
        let wanted = self.acks;
        self.log("replicas", || {
            tracing::warn!(%node, replicas, wanted, "too few replicas acknowledge what is written");
        });
        self.refresh();
    }

    /// Logs that Redis refuses a call for a reason that does not pass.
    pub(super) fn refused(&self, call: &'static str, reason: &Error) {
        self.log(call, || tracing::error!(call, %reason, "redis refuses a call"));
    }

    /// Logs something unless it was logged a short time ago.
    fn log(&self, what: &'static str, log: impl FnOnce()) {
        let now = self.now();
        let mut logged = self.logged.lock();
        if logged.get(what).is_none_or(|last| now.saturating_sub(*last) >= LOG) {
            logged.insert(what, now);
            drop(logged);
            log();
        }
    }

    async fn expire(&self, lanes: &[Arc<Lanes>]) {
        loop {
            sleep(EXPIRY).await;
            for lanes in lanes {
                lanes.expire(self.now());
            }
        }
    }

    /// Leads the lanes after the topology.
    async fn lead(&self, lanes: &[Arc<Lanes>]) {
        let mut changes = self.topology.subscribe();
        while changes.changed().await.is_ok() {
            let topology = changes.borrow_and_update().clone();
            for lanes in lanes {
                lanes.follow(&topology);
            }
        }
    }

    /// Reads the topology when that is wanted, and now and then.
    async fn keep_reading(&self) {
        let mut connections = HashMap::new();
        loop {
            timeout(PERIOD, self.wanted.notified()).await.ok();
            match self.read(&mut connections).await {
                Ok(read) => {
                    self.topology.send_if_modified(|topology| {
                        let is_new = **topology != read;
                        if is_new {
                            *topology = Arc::new(read);
                        }
                        is_new
                    });
                }
                Err(failure) => {
                    self.log("topology", || {
                        tracing::warn!(%failure, "no redis node says where the slots are");
                    });
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks all nodes that are known, or else those that were named, and puts together what those answer that are quick.
    async fn read(&self, connections: &mut HashMap<Address, Connection>) -> Result<Topology, Failure> {
        let known: Vec<Address> = self.current().nodes.values().map(|node| node.address.clone()).collect();
        let mut failure = Failure::Silent;
        for addresses in [&known, &self.settings.seeds] {
            let asked = addresses.iter().map(|address| self.ask(address, connections.remove(address)));
            let mut asked: FuturesUnordered<_> = asked.collect();
            let mut views = Vec::new();
            let mut left = ANSWER;
            while let Ok(Some(answer)) = timeout(left, asked.next()).await {
                match answer {
                    Ok((address, connection, view)) => {
                        views.push(view);
                        connections.insert(address, connection);
                        left = OTHERS;
                    }
                    Err(error) => failure = error,
                }
            }
            if !views.is_empty() {
                return Ok(Topology::of(&views));
            }
        }
        Err(failure)
    }

    /// Asks a node for its view, over a connection that is kept if it works.
    async fn ask(
        &self,
        address: &Address,
        connection: Option<Connection>,
    ) -> Result<(Address, Connection, View), Failure> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => Connection::open(&self.settings, address).await?,
        };
        match connection.command(&[b"CLUSTER", b"NODES"]).await? {
            Value::BulkString(text) => {
                let view = View::read(&String::from_utf8_lossy(&text), address, self.settings.tls.is_some());
                Ok((address.clone(), connection, view))
            }
            _ => Err(Failure::NoCluster),
        }
    }
}
