//! What a node believes about the cluster.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::SLOTS;
use crate::error::{Error, Result};

/// What a node believes about the cluster, as its `CLUSTER NODES` says.
#[derive(Clone, Debug)]
pub struct View {
    /// The nodes that it knows, itself too.
    pub peers: Vec<Peer>,
}

/// What a node believes about another.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its name in the cluster.
    pub id: String,
    /// Its address; none if it is not known.
    pub address: Option<IpAddr>,
    /// Its port for other nodes.
    pub bus_port: u16,
    /// What it is, as `myself`, `master`, `slave`, `fail?`, `fail`, `handshake`, `noaddr`.
    pub flags: Vec<String>,
    /// Which node it replicates.
    pub master: Option<String>,
    /// The number of its last claim to slots; the higher of two wins.
    pub epoch: u64,
    /// The slots that it holds.
    pub slots: Vec<RangeInclusive<u16>>,
}

impl View {
    /// Reads the answer to `CLUSTER NODES`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let peer = |line| parse_peer(line).ok_or_else(|| Error::Answer(line.to_owned()));
        Ok(Self { peers: text.lines().map(peer).collect::<Result<_>>()? })
    }

    /// Gives the node that holds a slot.
    pub fn owner(&self, slot: u16) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.slots.iter().any(|slots| slots.contains(&slot)))
    }

    /// Gives who holds what, in the order of slots: what nodes have to agree on.
    pub(crate) fn owners(&self) -> Vec<(u16, u16, &str)> {
        let ranges = |peer: &'_ Peer| peer.slots.clone();
        let mut owners: Vec<_> = self
            .peers
            .iter()
            .flat_map(|peer| {
                ranges(peer).into_iter().map(|slots| (*slots.start(), *slots.end(), peer.id.as_str()))
            })
            .collect();
        owners.sort_unstable();
        owners
    }

    /// Tells whether somebody holds every slot.
    pub(crate) fn is_complete(&self) -> bool {
        self.owners().iter().map(|(first, last, _)| last - first + 1).sum::<u16>() == SLOTS
    }

    /// Gives the node that answered.
    pub(crate) fn myself(&self) -> Result<&Peer> {
        let myself = self.peers.iter().find(|peer| peer.is("myself"));
        myself.ok_or_else(|| Error::Answer("no node is myself".to_owned()))
    }
}

impl Peer {
    /// Tells whether the node has a flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|its| its == flag)
    }

    /// Tells whether the node is believed to be well.
    pub(crate) fn is_well(&self) -> bool {
        !["fail?", "fail", "handshake", "noaddr"].iter().any(|flag| self.is(flag))
    }
}

/// Reads `id ip:port@bus[,host…] flags master ping pong epoch link slot…`.
fn parse_peer(line: &str) -> Option<Peer> {
    let mut words = line.split(' ');
    let id = words.next()?.to_owned();
    let (client, bus) = words.next()?.split_once('@')?;
    let flags = words.next()?.split(',').map(str::to_owned).collect();
    let master = Some(words.next()?).filter(|master| *master != "-").map(str::to_owned);
    let epoch = words.nth(2)?.parse().ok()?;
    let _link = words.next()?;
    Some(Peer {
        id,
        address: client.rsplit_once(':')?.0.parse().ok(),
        bus_port: bus.split(',').next()?.parse().ok()?,
        flags,
        master,
        epoch,
        // What is on its way stands in brackets.
        slots: words.filter(|word| !word.starts_with('[')).map(parse_slots).collect::<Option<_>>()?,
    })
}

fn parse_slots(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn reads_what_redis_and_valkey_say() {
        let view = View::parse(
            "07c3 127.0.0.1:30004@40004 slave e7d1 0 1426238317239 4 connected\n\
             e7d1 127.0.0.1:30001@40001,host.name,shard-id=1 myself,master - 0 0 1 connected 0-5460 5462 [5461->-07c3]\n\
             67ed :0@0 master,noaddr - 1426238316232 1426238316232 2 disconnected\n",
        )
        .unwrap();
        let [replica, master, lost] = &view.peers[..] else { panic!("three nodes") };
        assert_eq!(replica.master.as_deref(), Some("e7d1"));
        assert_eq!((replica.epoch, replica.bus_port), (4, 40_004));
        assert_eq!(master.slots, [0..=5460, 5462..=5462]);
        assert_eq!(view.owner(5462).unwrap().id, "e7d1");
        assert!(view.owner(5461).is_none());
        assert!(!view.is_complete());
        assert!(lost.address.is_none() && !lost.is_well());
        assert_eq!(view.myself().unwrap().id, "e7d1");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(View::parse("07c3 127.0.0.1:30004 slave").is_err());
    }
}
