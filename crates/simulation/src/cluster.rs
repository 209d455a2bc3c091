//! The cluster: the roles that ship, a process each, and what Kubernetes does for them.

mod api;
mod kubernetes;
mod node;
mod notification;
mod registry;
mod shard;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ports::ShardState;
use protocol::Service;

use crate::schedule::Size;
use crate::world::World;

use self::kubernetes::Kubernetes;
pub use self::node::{Node, Role};

/// For how long clients are sent away when a shard goes.
const DRAIN: Duration = Duration::from_secs(5);

/// A cluster. Clones are the same.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    world: World,
    nodes: Arc<Nodes>,
    kubernetes: Kubernetes,
    /// Held by whoever replaces shards or lets them go.
    changing: tokio::sync::Mutex<()>,
}

/// The processes that there are, by name.
#[derive(Default)]
pub(crate) struct Nodes(Mutex<BTreeMap<String, Arc<Node>>>);

impl Nodes {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Node>> {
        self.0.lock().get(name).cloned()
    }

    /// Gives those of a role, in the order of their names.
    pub(crate) fn of(&self, role: Role) -> Vec<Arc<Node>> {
        self.0.lock().values().filter(|node| node.role == role).cloned().collect()
    }

    fn put(&self, node: Arc<Node>) {
        self.0.lock().insert(node.name().to_owned(), node);
    }

    fn remove(&self, name: &str) -> Option<Arc<Node>> {
        self.0.lock().remove(name)
    }
}

impl Cluster {
    /// Starts all processes; they become ready by themselves.
    pub fn start(world: World, size: Size) -> Self {
        let cluster = Self(Arc::new(Inner {
            kubernetes: Kubernetes::new(world.dice("kubernetes")),
            nodes: Arc::default(),
            changing: tokio::sync::Mutex::default(),
            world,
        }));
        for number in 0..size.registries {
            cluster.run(Role::Registry, &format!("registry-{number}"));
        }
        for (role, count) in
            [(Role::Chat, size.chat), (Role::Presence, size.presence), (Role::Api, size.apis)]
        {
            for number in 0..count {
                cluster.run(role, &format!("{}-{number}", role.name()));
            }
        }
        cluster.run(Role::Notification, "notification-0");
        cluster.lead("registry-0");
        cluster
    }

    /// Waits until all processes that there are take users.
    pub async fn started(&self) {
        let roles = [Role::Registry, Role::Chat, Role::Presence, Role::Api, Role::Notification];
        while !roles.iter().all(|role| self.nodes(*role).iter().all(|node| node.is_ready())) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Gives those processes of a role that there are, in the order of their names.
    pub fn nodes(&self, role: Role) -> Vec<Arc<Node>> {
        self.0.nodes.of(role)
    }

    /// Gives a shard by a number.
    pub fn shard(&self, number: u64) -> Option<Arc<Node>> {
        let mut shards = self.nodes(Role::Chat);
        shards.extend(self.nodes(Role::Presence));
        pick(shards, number)
    }

    /// Gives a process of a role by a number.
    pub fn replica(&self, role: Role, number: u64) -> Option<Arc<Node>> {
        pick(self.nodes(role), number)
    }

    /// Starts a process that is not there.
    pub fn run(&self, role: Role, name: &str) {
        let Inner { world, nodes, kubernetes, .. } = &*self.0;
        if nodes.get(name).is_some() {
            return;
        }
        let node = Arc::new(Node::new(world, role, name));
        nodes.put(node.clone());
        match role {
            Role::Registry => registry::run(world, &node, kubernetes),
            Role::Chat => shard::run_chat(world, &node),
            Role::Presence => shard::run_presence(world, &node),
            Role::Api => api::run(world, &node),
            Role::Notification => notification::run(world, &node, nodes.clone()),
        }
        if let Some(service) = role.service() {
            kubernetes.show(service, name, ShardState::Serving);
        }
    }

    /// Ends a process without a word.
    pub fn crash(&self, name: &str) {
        let Some(node) = self.0.nodes.remove(name) else { return };
        if node.role.service().is_some() {
            // It stays in the list: that it does not answer is found by probes, or by its restart.
            self.0.kubernetes.crashed(name);
        }
        self.0.world.network.cut(name);
        node.end();
    }

    /// Adds a chat shard, and gives its name.
    pub fn join(&self) -> String {
        let taken = |name: &String| self.0.nodes.get(name).is_some();
        let mut names = (0..).map(|number: u64| format!("chat-{number}"));
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        self.run(Role::Chat, &name);
        name
    }

    /// Sends a shard's clients away and ends it in good order, as Kubernetes does with a pod.
    async fn end_in_order(&self, name: &str, for_good: bool) {
        let Some(node) = self.0.nodes.get(name) else { return };
        let Some(service) = node.role.service() else { return };
        self.0.kubernetes.show(service, name, ShardState::Draining);
        node.drain(DRAIN).await;
        // A crash in between was another end.
        if !self.0.nodes.get(name).is_some_and(|now| Arc::ptr_eq(&now, &node)) {
            return;
        }
        self.0.nodes.remove(name);
        if for_good {
            self.0.kubernetes.forget(name);
        }
        node.stop().await;
        self.0.world.network.cut(name);
        node.end();
    }

    /// Replaces all chat shards under their names, one after the other.
    pub async fn roll_out(&self) {
        // One change at a time, as a controller makes them.
        let _alone = self.0.changing.lock().await;
        for node in self.nodes(Role::Chat) {
            let name = node.name().to_owned();
            drop(node);
            if self.nodes(Role::Chat).len() < 2 {
                // Alone it has nobody to send its clients to.
                continue;
            }
            self.end_in_order(&name, false).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.run(Role::Chat, &name);
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    /// Lets a chat shard go for good, unless it is the last one.
    pub async fn scale_down(&self, name: &str) {
        let _alone = self.0.changing.lock().await;
        if self.nodes(Role::Chat).len() > 1 {
            self.end_in_order(name, true).await;
        }
    }

    /// Lets one replica of the registry believe that it leads; the others learn late that they do not.
    #[expect(clippy::disallowed_methods, reason = "a task of the world, not of a process")]
    pub fn lead(&self, name: &str) {
        let world = &self.0.world;
        for node in self.nodes(Role::Registry) {
            let (leads, late) = (node.name() == name, world.dice(&format!("lead {name}")).millis(0..=3_000));
            tokio::spawn(async move {
                if !leads {
                    tokio::time::sleep(late).await;
                }
                node.lead(leads);
            });
        }
    }

    /// Lets every replica of the registry believe that it leads.
    pub fn all_lead(&self) {
        self.nodes(Role::Registry).iter().for_each(|node| node.lead(true));
    }

    /// Shows a shard as gone, or as it is.
    pub fn hide(&self, name: &str, hidden: bool) {
        self.0.kubernetes.hide(name, hidden);
    }
}

impl Role {
    /// Gives the service of a shard.
    pub fn service(self) -> Option<Service> {
        match self {
            Self::Chat => Some(Service::Chat),
            Self::Presence => Some(Service::Presence),
            Self::Registry | Self::Api | Self::Notification => None,
        }
    }
}

fn pick<T>(mut from: Vec<T>, number: u64) -> Option<T> {
    let index = usize::try_from(number).unwrap_or(0).checked_rem(from.len())?;
    Some(from.swap_remove(index))
}
