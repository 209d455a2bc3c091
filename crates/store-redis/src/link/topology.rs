//! Where the slots are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::address::Address;
use crate::keys::SLOTS;

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
    owners: Vec<Option<(NodeId, u64)>>,
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
    /// Reads what a node answers to CLUSTER NODES; `asked` is the address under which it was asked. With `by_name`, nodes that
    /// announce a name are reached by it, as the certificates of TLS need it.
    pub(super) fn read(text: &str, asked: &Address, by_name: bool) -> Self {
        let mut topology = Self { nodes: BTreeMap::new(), owners: vec![None; usize::from(SLOTS)] };
        for line in text.lines() {
            topology.read_line(line, asked, by_name);
        }
        topology
    }

    /// Takes one line: `id ip:port@bus[,name…] flags master ping pong epoch state slot…`. A line that is none is passed over.
    fn read_line(&mut self, line: &str, asked: &Address, by_name: bool) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        let id = NodeId::new(words.next()?);
        let place = words.next()?;
        let flags: Vec<&str> = words.next()?.split(',').collect();
        let master = words.next()?;
        let epoch = words.nth(2)?.parse().ok()?;
        let slots = words.skip(1);
        if flags.contains(&"noaddr") || flags.contains(&"handshake") {
            return None;
        }
        let (address, names) = place.split_once(',').unwrap_or((place, ""));
        let mut address = Address::parse(address.split('@').next()?)?;
        let name = names.split(',').next().filter(|name| !name.is_empty() && !name.contains('='));
        if let Some(name) = name.filter(|_| by_name) {
            name.clone_into(&mut address.host);
        }
        if address.host.is_empty() {
            // A node that has met no other does not know its own address.
            address.host.clone_from(&asked.host);
        }
        let node = Node {
            address,
            epoch,
            master: (master != "-").then(|| NodeId::new(master)),
            failed: flags.contains(&"fail"),
        };
        if node.master.is_none() {
            // Those in brackets are on their way.
            for range in slots.filter(|slot| !slot.starts_with('[')) {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
                for owner in self.owners.get_mut(first..=last)? {
                    *owner = Some((id.clone(), epoch));
                }
            }
        }
        self.nodes.insert(id, node);
        Some(())
    }

    /// Puts another node's view in: of each slot and each node, what has the greater epoch goes.
    pub(super) fn merge(&mut self, other: Self) {
        if self.owners.is_empty() {
            *self = other;
            return;
        }
        for (owner, theirs) in self.owners.iter_mut().zip(other.owners) {
            let epoch = |owner: &Option<(NodeId, u64)>| owner.as_ref().map(|(_, epoch)| *epoch);
            if epoch(&theirs) > epoch(owner) {
                *owner = theirs;
            }
        }
        for (id, node) in other.nodes {
            match self.nodes.get_mut(&id) {
                Some(known) if known.epoch >= node.epoch => {}
                Some(known) => *known = node,
                None => {
                    self.nodes.insert(id, node);
                }
            }
        }
    }

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
        self.nodes.get(id).is_some_and(|node| node.master.is_none())
    }

    /// Gives the replicas of a node that have not failed.
    pub(super) fn replicas<'a>(&'a self, master: &'a NodeId) -> impl Iterator<Item = &'a NodeId> {
        let is_one = move |node: &Node| node.master.as_ref() == Some(master) && !node.failed;
        self.nodes.iter().filter(move |(_, node)| is_one(node)).map(|(id, _)| id)
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
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    const VIEW: &str = "\
aaaa 10.0.0.1:7001@17001,one.example myself,master - 0 0 3 connected 0-8191 [93->-bbbb]
bbbb 10.0.0.2:7002@17002,,shard-id=x master,fail - 0 0 2 connected 8192-16382 16383
cccc 10.0.0.3:7003@17003,three.example slave bbbb 0 0 2 connected
dddd :0@0 master,noaddr - 0 0 1 disconnected
eeee 10.0.0.5:7005@17005 handshake - 0 0 0 connected
nonsense
";

    fn read(text: &str) -> Topology {
        Topology::read(text, &Address::parse("asked:1").unwrap(), false)
    }

    fn id(id: &str) -> NodeId {
        NodeId::new(id)
    }

    #[test]
    fn a_view_is_read() {
        let topology = read(VIEW);
        assert_eq!(topology.nodes.len(), 3);
        assert_eq!([0, 93, 8191].map(|slot| topology.owner(slot)), [Some(&id("aaaa")); 3]);
        assert_eq!([8192, 16383].map(|slot| topology.claim(slot)), [Some(&(id("bbbb"), 2)); 2]);
        assert!(topology.is_whole() && topology.is_owner(&id("aaaa")) && !topology.is_owner(&id("cccc")));
        assert_eq!(topology.replicas(&id("bbbb")).collect::<Vec<_>>(), [&id("cccc")]);
        assert_eq!(topology.at(&Address::parse("10.0.0.3:7003").unwrap()), Some(&id("cccc")));
        assert!(topology.node(&id("bbbb")).unwrap().failed);
    }

    #[test]
    fn nodes_are_reached_by_name_where_that_is_wanted() {
        let topology = Topology::read(VIEW, &Address::parse("asked:1").unwrap(), true);
        let hosts: Vec<_> = topology.nodes.values().map(|node| node.address.host.as_str()).collect();
        assert_eq!(hosts, ["one.example", "10.0.0.2", "three.example"]);
    }

    #[test]
    fn a_node_that_is_alone_is_where_it_was_asked() {
        let topology = read("aaaa :7001@17001 myself,master - 0 0 0 connected 0-16383");
        assert_eq!(topology.node(&id("aaaa")).unwrap().address.to_string(), "asked:7001");
    }

    #[test]
    fn the_greater_epoch_goes() {
        let newer = "\
bbbb 10.0.0.2:7002@17002 slave cccc 0 0 4 connected
cccc 10.0.0.3:7003@17003 master - 0 0 4 connected 8192-16383
";
        for (first, second) in [(VIEW, newer), (newer, VIEW)] {
            let mut topology = read(first);
            topology.merge(read(second));
            assert_eq!(topology.owner(0), Some(&id("aaaa")));
            assert_eq!(topology.owner(9000), Some(&id("cccc")));
            assert!(topology.is_owner(&id("cccc")) && !topology.is_owner(&id("bbbb")));
        }
        let mut empty = Topology::default();
        assert!(!empty.is_whole());
        empty.merge(read(VIEW));
        assert_eq!(empty, read(VIEW));
    }

    #[test]
    fn a_moved_slot_is_where_the_node_says() {
        let topology = read(VIEW).with_move(9000, &id("aaaa"));
        assert_eq!([8999, 9000].map(|slot| topology.owner(slot)), [Some(&id("bbbb")), Some(&id("aaaa"))]);
        let unknown = read(VIEW).with_move(9000, &id("zzzz"));
        assert_eq!(unknown, read(VIEW));
    }

    #[test]
    fn a_replica_that_has_one_slot_of_its_master_has_all() {
        let topology = read(VIEW).with_move(9000, &id("cccc"));
        assert_eq!([8192, 9000, 16383].map(|slot| topology.owner(slot)), [Some(&id("cccc")); 3]);
        assert_eq!(topology.owner(8191), Some(&id("aaaa")));
        assert!(topology.is_owner(&id("cccc")));
    }
}
