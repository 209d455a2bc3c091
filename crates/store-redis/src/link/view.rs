//! What single nodes know of the cluster, and the topology that follows from it.

use std::collections::BTreeMap;

use super::address::Address;
use super::topology::{Node, NodeId, Topology};
use crate::keys::SLOTS;

/// What a node knows of the cluster.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The node.
    myself: Option<NodeId>,
    topology: Topology,
}

/// How much is known of a node by what a view says of it. Roles spread slowly, and a replica has its master's epoch, which may be less than
/// the one of its own that others still know.
type Weight = (bool, bool, u64);

impl View {
    /// Reads what a node answers to CLUSTER NODES; `asked` is the address under which it was asked. With `by_name`, nodes that
    /// announce a name are reached by it, as the certificates of TLS need it.
    pub(super) fn read(text: &str, asked: &Address, by_name: bool) -> Self {
        let topology = Topology { nodes: BTreeMap::new(), owners: vec![None; usize::from(SLOTS)] };
        let mut view = Self { myself: None, topology };
        for line in text.lines() {
            view.read_line(line, asked, by_name);
        }
        view
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
                for owner in self.topology.owners.get_mut(first..=last)? {
                    *owner = Some((id.clone(), epoch));
                }
            }
        }
        if flags.contains(&"myself") {
            self.myself = Some(id.clone());
        }
        self.topology.nodes.insert(id, node);
        Some(())
    }

    fn weight(&self, id: &NodeId, node: &Node) -> Weight {
        (self.myself.as_ref() == Some(id), node.master.is_some(), node.epoch)
    }
}

impl Topology {
    /// Puts views together. A slot is its claimant's with the greatest epoch, as among the nodes themselves; what a node is it knows best
    /// itself, and it lives if it answers.
    pub(super) fn of(views: &[View]) -> Self {
        let mut topology = Self::default();
        let mut weights: BTreeMap<&NodeId, Weight> = BTreeMap::new();
        for view in views {
            topology.owners.resize(usize::from(SLOTS), None);
            for (owner, theirs) in topology.owners.iter_mut().zip(&view.topology.owners) {
                let epoch = |owner: &Option<(NodeId, u64)>| owner.as_ref().map(|(_, epoch)| *epoch);
                if epoch(theirs) > epoch(owner) {
                    owner.clone_from(theirs);
                }
            }
            for (id, node) in &view.topology.nodes {
                let weight = view.weight(id, node);
                let has_failed = topology.nodes.get(id).is_some_and(|known| known.failed) || node.failed;
                if weights.get(id).is_none_or(|known| *known < weight) {
                    weights.insert(id, weight);
                    topology.nodes.insert(id.clone(), node.clone());
                }
                let answers = weights.get(id).is_some_and(|(is_own, ..)| *is_own);
                if let Some(node) = topology.nodes.get_mut(id) {
                    node.failed = has_failed && !answers;
                }
            }
        }
        topology
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

    fn view(text: &str) -> View {
        View::read(text, &Address::parse("asked:1").unwrap(), false)
    }

    fn id(id: &str) -> NodeId {
        NodeId::new(id)
    }

    #[test]
    fn a_view_is_read() {
        let topology = Topology::of(&[view(VIEW)]);
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
        let view = View::read(VIEW, &Address::parse("asked:1").unwrap(), true);
        let hosts: Vec<_> = view.topology.nodes.values().map(|node| node.address.host.as_str()).collect();
        assert_eq!(hosts, ["one.example", "10.0.0.2", "three.example"]);
    }

    #[test]
    fn a_node_that_is_alone_is_where_it_was_asked() {
        let topology = Topology::of(&[view("aaaa :7001@17001 myself,master - 0 0 0 connected 0-16383")]);
        assert_eq!(topology.node(&id("aaaa")).unwrap().address.to_string(), "asked:7001");
    }

    #[test]
    fn a_slot_is_its_claimants_with_the_greatest_epoch() {
        let newer = "\
bbbb 10.0.0.2:7002@17002 slave cccc 0 0 4 connected
cccc 10.0.0.3:7003@17003 myself,master - 0 0 4 connected 8192-16383
";
        for views in [[VIEW, newer], [newer, VIEW]] {
            let topology = Topology::of(&views.map(view));
            assert_eq!(topology.owner(0), Some(&id("aaaa")));
            assert_eq!(topology.owner(9000), Some(&id("cccc")));
            assert!(topology.is_owner(&id("cccc")) && !topology.is_owner(&id("bbbb")));
            assert_eq!(topology.node(&id("cccc")).unwrap().master, None);
        }
        assert!(!Topology::of(&[]).is_whole());
    }

    #[test]
    fn a_replica_is_one_although_others_know_it_by_an_epoch_of_its_own() {
        let before = "\
aaaa 10.0.0.1:7001@17001 myself,master - 0 0 1 connected 0-16383
bbbb 10.0.0.2:7002@17002 master - 0 0 4 connected
";
        let after = "\
aaaa 10.0.0.1:7001@17001 master - 0 0 1 connected 0-16383
bbbb 10.0.0.2:7002@17002 slave aaaa 0 0 1 connected
cccc 10.0.0.3:7003@17003 myself,slave aaaa 0 0 1 connected
";
        for views in [[before, after], [after, before]] {
            let topology = Topology::of(&views.map(view));
            let replicas: Vec<_> = topology.replicas(topology.owner(0).unwrap()).collect();
            assert_eq!(replicas, [&id("bbbb"), &id("cccc")]);
        }
    }

    #[test]
    fn a_node_that_answers_has_not_failed() {
        let itself = "bbbb 10.0.0.2:7002@17002 myself,master - 0 0 2 connected 8192-16383";
        for views in [[VIEW, itself], [itself, VIEW]] {
            assert!(!Topology::of(&views.map(view)).node(&id("bbbb")).unwrap().failed);
        }
    }
}
