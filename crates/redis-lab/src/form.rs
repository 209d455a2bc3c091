//! Makes a cluster of servers that do not know each other.

use futures_util::future::try_join_all;

use crate::SLOTS;
use crate::error::Result;
use crate::lab::Lab;

impl Lab {
    /// Gives out the slots, introduces the nodes to each other and makes the replicas replicas.
    pub(crate) async fn form(&self) -> Result<()> {
        let nodes = self.nodes().len();
        let masters = self.options().masters;
        for node in 0..nodes {
            // Distinct from the start, so that the nodes need not settle it among themselves.
            self.words::<()>(node, &format!("CLUSTER SET-CONFIG-EPOCH {}", node + 1)).await?;
        }
        for master in 0..masters {
            let first = usize::from(SLOTS) * master / masters;
            let last = usize::from(SLOTS) * (master + 1) / masters - 1;
            self.words::<()>(master, &format!("CLUSTER ADDSLOTSRANGE {first} {last}")).await?;
        }
        self.introduce().await?;
        let ids = try_join_all((0..masters).map(|master| self.id(master))).await?;
        for node in 0..nodes {
            if let Some(master) = self.options().first_master(node) {
                self.words::<()>(node, &format!("CLUSTER REPLICATE {}", ids[master])).await?;
            }
        }
        Ok(())
    }

    /// Introduces nodes that know each other already, since their addresses may have changed.
    pub(crate) async fn meet_again(&self) -> Result<()> {
        self.introduce().await
    }

    /// Introduces everybody to everybody: quicker than to wait for gossip.
    async fn introduce(&self) -> Result<()> {
        for node in 0..self.nodes().len() {
            for other in 0..node {
                self.meet(node, other).await?;
            }
        }
        self.wait_for("the nodes to know each other", async || {
            for node in 0..self.nodes().len() {
                let view = self.view(node).await?;
                let known = view.peers.iter().filter(|peer| peer.is_well()).count();
                if known < self.nodes().len() {
                    return Ok(Err(format!("node {node} knows {known}")));
                }
            }
            Ok(Ok(()))
        })
        .await
    }

    pub(crate) async fn meet(&self, node: usize, other: usize) -> Result<()> {
        let other = self.node(other);
        let (address, port, bus_port) = (other.address(), other.port(), other.bus_port());
        self.words(node, &format!("CLUSTER MEET {address} {port} {bus_port}")).await
    }
}
