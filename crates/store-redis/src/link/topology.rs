//! Where the slots are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::address::Address;

/// A node's identifier, which it keeps for life.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(Arc<str>);

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where it is, as the cluster announces it.
    pub(super) address: Address,
    /// Its configuration epoch: of two nodes that claim a slot the one with the greater epoch has it.
    pub(super) epoch: u64,
    /// Its master, if it is a replica.
    pub(super) master: Option<NodeId>,
    /// Whether it is thought to have failed.
    pub(super) failed: bool,
}

/// The nodes, and which of them have the slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    /// All nodes.
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The master of each slot, with its epoch; empty for a cluster that is not known yet.
    pub(super) owners: Vec<Option<(NodeId, u64)>>,
}

impl NodeId {
    /// Takes an identifier.
    pub(super) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// Gives what stands for no node.
    pub(super) fn nowhere() -> Self {
        Self::new("")
    }

    /// Says whether it stands for no node.
    pub(super) fn is_nowhere(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the identifier.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Topology {
    /// Gives the master of a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<&NodeId> {
        self.owners.get(usize::from(slot))?.as_ref().map(|(id, _)| id)
    }

    /// Gives the master of a slot, and the epoch in which it got it.
    pub(crate) fn claim(&self, slot: u16) -> Option<&(NodeId, u64)> {
        self.owners.get(usize::from(slot))?.as_ref()
    }

    /// Gives a node.
    pub(super) fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Says whether a node has slots.
    pub(super) fn is_owner(&self, id: &NodeId) -> bool {
        self.owners.iter().flatten().any(|(owner, _)| owner == id)
    }

    /// Gives the replicas of a node that have not failed.
    pub(super) fn replicas<'a>(&'a self, master: &'a NodeId) -> impl Iterator<Item = &'a NodeId> {
        self.all_replicas(master).filter(|(_, node)| !node.failed).map(|(id, _)| id)
    }

    /// Says whether a node has replicas, and all of them have failed.
    pub(super) fn is_alone(&self, master: &NodeId) -> bool {
        let mut replicas = self.all_replicas(master).peekable();
        replicas.peek().is_some() && replicas.all(|(_, node)| node.failed)
    }

    fn all_replicas<'a>(&'a self, master: &'a NodeId) -> impl Iterator<Item = (&'a NodeId, &'a Node)> {
        self.nodes.iter().filter(move |(_, node)| node.master.as_ref() == Some(master))
    }

    /// Gives the node at an address.
    pub(super) fn at(&self, address: &Address) -> Option<&NodeId> {
        self.nodes.iter().find(|(_, node)| node.address == *address).map(|(id, _)| id)
    }

    /// Says whether each slot has a master.
    pub(super) fn is_whole(&self) -> bool {
        !self.owners.is_empty() && self.owners.iter().all(Option::is_some)
    }

    /// Believes a node that says that a slot has moved, until the topology is read anew. If it was to a replica of the slot's master, that has
    /// taken all of its slots over.
    pub(super) fn with_move(&self, slot: u16, to: &NodeId) -> Self {
        let mut topology = self.clone();
        let Some(node) = topology.nodes.get_mut(to) else { return topology };
        let before = self.owner(slot).cloned();
        let has_taken_over = before.is_some() && node.master == before;
        // A replica that others are sent to is none any more.
        node.master = None;
        let claim = (to.clone(), node.epoch);
        for (index, owner) in topology.owners.iter_mut().enumerate() {
            let is_taken_over = has_taken_over && owner.as_ref().map(|(id, _)| id) == before.as_ref();
            if is_taken_over || index == usize::from(slot) {
                *owner = Some(claim.clone());
            }
        }
        topology
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As many digits as tell nodes apart.
        formatter.write_str(self.0.get(..8).unwrap_or(&self.0))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SLOTS;

    fn id(id: &str) -> NodeId {
        NodeId::new(id)
    }

    /// Two masters with half of the slots each, and a replica of the second.
    fn topology() -> Topology {
        let node = |epoch, master: Option<&str>| Node {
            address: Address { host: "10.0.0.1".to_owned(), port: 7000 },
            epoch,
            master: master.map(id),
            failed: false,
        };
        let nodes = [("aaaa", node(3, None)), ("bbbb", node(2, None)), ("cccc", node(2, Some("bbbb")))];
        let half = usize::from(SLOTS) / 2;
        Topology {
            nodes: nodes.into_iter().map(|(name, node)| (id(name), node)).collect(),
            owners: [vec![Some((id("aaaa"), 3)); half], vec![Some((id("bbbb"), 2)); half]].concat(),
        }
    }

    #[test]
    fn a_moved_slot_is_where_the_node_says() {
        let moved = topology().with_move(9000, &id("aaaa"));
        assert_eq!([8999, 9000].map(|slot| moved.owner(slot)), [Some(&id("bbbb")), Some(&id("aaaa"))]);
        assert_eq!(topology().with_move(9000, &id("zzzz")), topology());
    }

    #[test]
    fn a_replica_that_has_one_slot_of_its_master_has_all() {
        let moved = topology().with_move(9000, &id("cccc"));
        assert_eq!([8192, 9000, 16383].map(|slot| moved.owner(slot)), [Some(&id("cccc")); 3]);
        assert_eq!(moved.owner(8191), Some(&id("aaaa")));
        assert!(moved.is_owner(&id("cccc")) && !moved.is_owner(&id("bbbb")));
    }

    #[test]
    fn a_failed_replica_counts_for_nothing() {
        let mut topology = topology();
        assert_eq!(topology.replicas(&id("bbbb")).collect::<Vec<_>>(), [&id("cccc")]);
        assert!(!topology.is_alone(&id("bbbb")));
        for node in topology.nodes.values_mut() {
            node.failed = true;
        }
        assert_eq!(topology.replicas(&id("bbbb")).count(), 0);
        assert!(topology.is_alone(&id("bbbb")));
        assert!(!topology.is_alone(&id("aaaa")), "that it has none may only be unknown");
    }
}
