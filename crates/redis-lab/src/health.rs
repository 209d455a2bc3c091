//! Waits until things are as they should be.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep};

use crate::SLOTS;
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::view::View;

/// How often the lab looks.
const PAUSE: Duration = Duration::from_millis(20);

/// When it gives up: much later than anything should take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Lab {
    /// Asks a node what it believes about the cluster.
    ///
    /// # Errors
    ///
    /// If it does not answer.
    pub async fn view(&self, node: usize) -> Result<View> {
        View::parse(&self.words::<String>(node, "CLUSTER NODES").await?)
    }

    /// Asks a node for its name in the cluster.
    pub(crate) async fn id(&self, node: usize) -> Result<String> {
        self.words(node, "CLUSTER MYID").await
    }

    /// Gives the running node that holds a slot: of several that believe so, as after a cut, the one that will win.
    ///
    /// # Errors
    ///
    /// [`Error::NoOwner`] if no running node believes so.
    pub async fn master_of(&self, slot: u16) -> Result<usize> {
        let running = self.running();
        let claims = join_all(running.iter().map(async |node| {
            let view = self.view(*node).await.ok()?;
            let myself = view.myself().ok()?;
            myself.slots.iter().any(|slots| slots.contains(&slot)).then_some((myself.epoch, *node))
        }));
        claims.await.into_iter().flatten().max().map(|(_, node)| node).ok_or(Error::NoOwner(slot))
    }

    /// Gives the running nodes that replicate a node.
    ///
    /// # Errors
    ///
    /// If a running node does not answer.
    pub async fn replicas_of(&self, node: usize) -> Result<Vec<usize>> {
        let id = self.id(node).await?;
        let mut replicas = Vec::new();
        for other in self.running() {
            if self.view(other).await?.myself()?.master.as_ref() == Some(&id) {
                replicas.push(other);
            }
        }
        Ok(replicas)
    }

    /// Gives the slot of a key.
    ///
    /// # Errors
    ///
    /// If no node runs.
    pub async fn slot_of(&self, key: &str) -> Result<u16> {
        let node = *self.running().first().ok_or(Error::NotRunning(0))?;
        self.command(node, redis::cmd("CLUSTER").arg("KEYSLOT").arg(key)).await
    }

    /// Waits until a node other than the one given holds a slot, and gives it: the end of a failover.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTime`] after a minute.
    pub async fn wait_for_master_other_than(&self, old: usize, slot: u16) -> Result<usize> {
        self.wait_for("another master", async || {
            Ok(match self.master_of(slot).await {
                Ok(master) if master != old => Ok(master),
                Ok(_) => Err(format!("node {old} is it still")),
                Err(error) => Err(error.to_string()),
            })
        })
        .await
    }

    /// Waits until all running nodes agree who holds which slot, each slot has a running master, and all running replicas follow one.
    ///
    /// # Errors
    ///
    /// [`Error::NotInTime`] after a minute, with what was in the way.
    pub async fn wait_until_healthy(&self) -> Result<()> {
        self.wait_for("health", async || {
            for node in self.running() {
                self.processes.lock()[node].check(self.node(node))?;
            }
            Ok(self.health().await)
        })
        .await
    }

    /// Tells what is in the way of health, as [`Lab::wait_until_healthy`] has it.
    ///
    /// # Errors
    ///
    /// What is in the way, for a person.
    pub async fn health(&self) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        let running = self.running();
        let views = try_join_all(running.iter().map(|node| self.view(*node))).await.map_err(text)?;
        let mut ids = BTreeMap::new();
        for (node, view) in running.iter().zip(&views) {
            ids.insert(view.myself().map_err(text)?.id.as_str(), *node);
        }
        for (node, view) in running.iter().zip(&views) {
            if !view.is_complete() {
                return Err(format!("node {node} knows no owner of some slots"));
            }
            if view.owners() != views[0].owners() {
                return Err(format!("node {node} disagrees with node {} about the owners", running[0]));
            }
            let well = view.peers.iter().filter(|peer| peer.is_well() && ids.contains_key(peer.id.as_str()));
            if well.count() < running.len() {
                return Err(format!("node {node} misses a running node"));
            }
        }
        let owners = views.first().ok_or("no node runs")?.owners();
        if let Some((slot, ..)) = owners.iter().find(|(.., owner)| !ids.contains_key(owner)) {
            return Err(format!("the owner of slot {slot} does not run"));
        }
        for (node, view) in running.iter().zip(&views) {
            let master = view.myself().map_err(text)?.master.as_deref();
            let followers = views.iter().filter_map(|view| view.myself().ok()?.master.as_deref());
            let followers = followers.filter(|followed| ids.get(followed) == Some(node)).count();
            self.replication(*node, master.is_some(), followers).await?;
        }
        Ok(())
    }

    /// Looks whether a node is content with the cluster, follows its master and is followed.
    async fn replication(&self, node: usize, is_replica: bool, followers: usize) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        let cluster = self.words::<String>(node, "CLUSTER INFO").await.map_err(text)?;
        if !cluster.contains("cluster_state:ok") {
            return Err(format!("node {node} finds that the cluster fails"));
        }
        let replication = self.words::<String>(node, "INFO replication").await.map_err(text)?;
        if is_replica {
            let follows =
                ["role:slave", "master_link_status:up"].iter().all(|line| replication.contains(line));
            return if follows { Ok(()) } else { Err(format!("node {node} has no link to its master")) };
        }
        let online = replication.matches("state=online").count();
        match online == followers && replication.contains("role:master") {
            true => Ok(()),
            false => Err(format!("node {node} has {online} of {followers} replicas online")),
        }
    }

    /// Waits until a node answers and has loaded its data.
    pub(crate) async fn wait_until_it_answers(&self, node: usize) -> Result<()> {
        self.wait_for("an answer", async || {
            self.processes.lock()[node].check(self.node(node))?;
            let answer = self.words::<String>(node, "PING").await;
            Ok(answer.map(drop).map_err(|error| error.to_string()))
        })
        .await
    }

    /// Waits until something is so: the check gives an inner error where it is not yet, an outer one where it never will be.
    pub(crate) async fn wait_for<T>(
        &self,
        what: &str,
        check: impl AsyncFn() -> Result<Result<T, String>>,
    ) -> Result<T> {
        let start = Instant::now();
        loop {
            match check().await? {
                Ok(value) => return Ok(value),
                Err(last) if start.elapsed() > PATIENCE => {
                    return Err(Error::NotInTime {
                        what: what.to_owned(),
                        seconds: PATIENCE.as_secs(),
                        last,
                    });
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

/// Tells whether a slot is one.
pub(crate) fn check_slot(slot: u16) -> Result<()> {
    if slot < SLOTS { Ok(()) } else { Err(Error::NoOwner(slot)) }
}
