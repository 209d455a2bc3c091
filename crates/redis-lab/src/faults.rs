//! What is done to nodes.

use std::fs;

use crate::error::{Error, Result};
use crate::lab::Lab;

impl Lab {
    /// Kills a node (SIGKILL): its memory is gone, what it wrote to its files is there.
    ///
    /// # Errors
    ///
    /// If it cannot be signalled.
    pub fn kill(&self, node: usize) -> Result<()> {
        Ok(self.processes.lock()[node].kill()?)
    }

    /// Pauses a node (SIGSTOP): it does nothing, but the kernel takes what is sent to it.
    ///
    /// # Errors
    ///
    /// If it cannot be signalled.
    pub fn pause(&self, node: usize) -> Result<()> {
        Ok(self.processes.lock()[node].pause()?)
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    ///
    /// If it cannot be signalled.
    pub fn resume(&self, node: usize) -> Result<()> {
        Ok(self.processes.lock()[node].resume()?)
    }

    /// Starts a node with what is in its files, killing it before if it runs; returns once it has loaded them and answers.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn restart(&self, node: usize) -> Result<()> {
        self.kill(node)?;
        self.spawn(node)?;
        self.wait_until_it_answers(node).await
    }

    /// Starts a node without its data but as the member that it was, as a container whose writes went nowhere: a master
    /// that was not missed yet is master still, and its replicas lose the data too.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub async fn restart_empty(&self, node: usize) -> Result<()> {
        self.kill(node)?;
        self.wipe(node, &["nodes.conf", "server.conf", "server.log"])?;
        self.restart(node).await
    }

    /// Starts a node with neither data nor name, as a machine that was exchanged, and makes it a replica of the master given.
    ///
    /// # Errors
    ///
    /// If it does not start, or others do not answer.
    pub async fn replace(&self, node: usize, master: usize) -> Result<()> {
        self.kill(node)?;
        let others = self.running();
        let was = self.node(node);
        for other in &others {
            let view = self.view(*other).await?;
            let peer = view.peers.iter().find(|peer| {
                peer.bus_port == was.bus_port() && peer.address == Some(was.address()) && !peer.is("myself")
            });
            if let Some(peer) = peer {
                self.words::<()>(*other, &format!("CLUSTER FORGET {}", peer.id)).await?;
            }
        }
        self.wipe(node, &["server.conf", "server.log"])?;
        self.restart(node).await?;
        for other in &others {
            self.meet(node, *other).await?;
        }
        let id = self.id(master).await?;
        self.wait_for("the new node to be a replica", async || {
            let answer = self.words::<()>(node, &format!("CLUSTER REPLICATE {id}")).await;
            Ok(answer.map_err(|error| error.to_string()))
        })
        .await
    }

    /// Makes a replica the master, as before maintenance: the old master waits until it has everything.
    ///
    /// # Errors
    ///
    /// [`Error::Redis`] if the node is no replica.
    pub async fn failover(&self, replica: usize) -> Result<()> {
        self.words::<()>(replica, "CLUSTER FAILOVER").await?;
        self.wait_for("the replica to be master", async || {
            Ok(match self.view(replica).await?.myself()?.is("master") {
                true => Ok(()),
                false => Err("it is a replica still".to_owned()),
            })
        })
        .await?;
        self.wait_until_healthy().await
    }

    fn wipe(&self, node: usize, keep: &[&str]) -> Result<()> {
        if self.processes.lock()[node].runs() {
            return Err(Error::InUse(self.node(node).folder().to_owned()));
        }
        for entry in fs::read_dir(self.node(node).folder())? {
            let entry = entry?;
            if keep.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}
