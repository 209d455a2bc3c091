//! What goes wrong, one thing after the other.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use tokio::time::sleep;

use crate::cluster::Cluster;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A Redis master is killed, and started again after the failover.
    MasterKilled,
    /// A Redis master is killed and started again before anybody misses it.
    MasterRestarted,
    /// A Redis replica is killed, and started again.
    ReplicaKilled,
    /// A Redis master stands still until another has taken over, and goes on then.
    MasterFrozen,
    /// A Redis master loses its power: packets vanish.
    PowerLost,
    /// A Redis master is cut off from the other nodes; clients still reach it.
    Partition,
    /// A Redis master is cut off together with one of its replicas, which goes on acknowledging.
    PartitionWithReplica,
    /// A replica becomes master in order.
    PlannedFailover,
    /// Slots that people write in move to another master.
    SlotsMoved,
    /// A Redis node comes back without its data, after another has taken over from it.
    NodeEmpty,
    /// A master and the replica that acknowledged die together; the one that takes over is stale.
    DoubleFailure,
    /// A chat shard is killed, and started again.
    ChatKilled,
    /// A chat shard stands still for so long that its users go elsewhere.
    ChatFrozen,
    /// A chat shard is added, or removed in order.
    ChatAddedOrRemoved,
    /// A presence shard is killed, and started again.
    PresenceKilled,
    /// An api is killed, and started again.
    ApiKilled,
    /// The registry is killed, and started again.
    RegistryKilled,
    /// The notification role is killed, and started again.
    NotificationKilled,
}

/// A round: each fault as often as it stands here.
const ROUND: &[Fault] = &[
    Fault::MasterKilled,
    Fault::MasterKilled,
    Fault::MasterRestarted,
    Fault::ReplicaKilled,
    Fault::MasterFrozen,
    Fault::PowerLost,
    Fault::Partition,
    Fault::PartitionWithReplica,
    Fault::PlannedFailover,
    Fault::SlotsMoved,
    Fault::SlotsMoved,
    Fault::NodeEmpty,
    Fault::DoubleFailure,
    Fault::ChatKilled,
    Fault::ChatKilled,
    Fault::ChatFrozen,
    Fault::ChatAddedOrRemoved,
    Fault::ChatAddedOrRemoved,
    Fault::PresenceKilled,
    Fault::ApiKilled,
    Fault::RegistryKilled,
    Fault::NotificationKilled,
];

/// Within twice its time-out a node votes for replicas of one master only once.
const VOTES_AGAIN: Duration = Duration::from_secs(4);

/// Gives the faults of a round in an order left to chance; some need a network in which packets can vanish.
pub(crate) fn round(dice: &mut StdRng, own_network: bool) -> Vec<Fault> {
    let possible = ROUND.iter().copied().filter(|fault| own_network || !fault.needs_own_network());
    let mut round: Vec<Fault> = possible.collect();
    round.shuffle(dice);
    round
}

impl Fault {
    /// Gives all that a round has, in order.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = ROUND.to_vec();
        all.dedup();
        all
    }

    /// Says whether packets have to vanish for it.
    pub(crate) fn needs_own_network(self) -> bool {
        use Fault::{DoubleFailure, Partition, PartitionWithReplica, PowerLost};
        matches!(self, PowerLost | Partition | PartitionWithReplica | DoubleFailure)
    }

    /// Lets it happen and be over, and says what happened to whom.
    pub(crate) async fn happen(
        self,
        cluster: &mut Cluster,
        dice: &mut StdRng,
        busy: &[u16],
    ) -> Result<String> {
        let pause = Duration::from_millis(dice.random_range(1_000..3_000));
        let number = |dice: &mut StdRng, count: usize| dice.random_range(0..count);
        let slot = busy.get(number(dice, busy.len().max(1))).copied().unwrap_or(0);
        match self {
            Self::ChatKilled | Self::PresenceKilled | Self::ApiKilled => {
                let (kind, count) = match self {
                    Self::ChatKilled => ("chat", 3),
                    Self::PresenceKilled => ("presence", 2),
                    _ => ("api", 2),
                };
                let name = format!("{kind}-{}", number(dice, count));
                cluster.kill(&name, pause * 3).await?;
                Ok(format!("{name} away for {:?}", pause * 3))
            }
            Self::ChatFrozen => {
                let name = format!("chat-{}", number(dice, 3));
                // The registry gives its users to others after three probes and a debounce.
                let time = pause + Duration::from_secs(11);
                cluster.freeze(&name, time).await?;
                Ok(format!("{name} for {time:?}"))
            }
            Self::ChatAddedOrRemoved => {
                let what = cluster.add_or_remove().await?;
                // Until the registry has seen it and people have moved.
                sleep(Duration::from_secs(5)).await;
                Ok(format!("{} {what}", crate::cluster::SPARE))
            }
            Self::RegistryKilled => cluster.kill("registry", pause).await.map(|()| format!("for {pause:?}")),
            Self::NotificationKilled => {
                cluster.kill("notification", pause).await.map(|()| format!("for {pause:?}"))
            }
            _ => self.happen_to_redis(cluster, slot, pause).await,
        }
    }

    async fn happen_to_redis(self, cluster: &mut Cluster, slot: u16, pause: Duration) -> Result<String> {
        let lab = &cluster.lab;
        let mut master = lab.master_of(slot).await?;
        let mut replicas = lab.replicas_of(master).await?;
        // Redis gives a replica of one master to another that has lost its own: some master has two.
        for other in (0..redis_lab::SLOTS).step_by(64) {
            if self == Self::DoubleFailure && replicas.len() < 2 {
                master = lab.master_of(other).await?;
                replicas = lab.replicas_of(master).await?;
            }
        }
        let replica = *replicas.first().context("the master has no replica")?;
        let mut what = format!("node {master}");
        match self {
            Self::MasterKilled => {
                lab.kill(master)?;
                lab.wait_for_master_other_than(master, slot).await?;
                sleep(pause).await;
                lab.restart(master).await?;
            }
            Self::MasterRestarted => lab.restart(master).await?,
            Self::ReplicaKilled => {
                lab.kill(replica)?;
                sleep(pause).await;
                lab.restart(replica).await?;
                what = format!("node {replica}");
            }
            Self::MasterFrozen => {
                lab.pause(master)?;
                lab.wait_for_master_other_than(master, slot).await?;
                sleep(pause).await;
                lab.resume(master)?;
            }
            Self::PowerLost => {
                lab.cut(master)?;
                lab.wait_for_master_other_than(master, slot).await?;
                sleep(pause).await;
                // Its memory is gone when it is back.
                lab.kill(master)?;
                lab.heal()?;
                lab.restart(master).await?;
            }
            Self::Partition | Self::PartitionWithReplica => {
                let mut minority = vec![master];
                if self == Self::PartitionWithReplica {
                    minority.push(replica);
                    what = format!("nodes {master} and {replica}");
                }
                lab.partition(&minority)?;
                lab.wait_for_master_other_than(master, slot).await?;
                sleep(pause).await;
                lab.heal()?;
            }
            Self::PlannedFailover => {
                sleep(VOTES_AGAIN).await;
                lab.failover(replica).await?;
                what = format!("from node {master} to node {replica}");
            }
            Self::SlotsMoved => what = move_slots(cluster, slot, master).await?,
            Self::NodeEmpty => {
                lab.kill(master)?;
                lab.wait_for_master_other_than(master, slot).await?;
                lab.restart_empty(master).await?;
            }
            Self::DoubleFailure => what = double_failure(cluster, master, &replicas).await?,
            _ => {}
        }
        cluster.lab.wait_until_healthy().await?;
        Ok(what)
    }
}

/// Moves a slot that people write in, and its neighbours, to another master.
async fn move_slots(cluster: &Cluster, slot: u16, from: usize) -> Result<String> {
    let (lab, mut other) = (&cluster.lab, from);
    for candidate in [0, 5_500, 8_000, 11_000, 16_383] {
        if other == from {
            other = lab.master_of(candidate).await?;
        }
    }
    let last = slot.saturating_add(3).min(redis_lab::SLOTS - 1);
    for slot in slot..=last {
        lab.move_slot(slot, other).await?;
    }
    Ok(format!("slots {slot} to {last} to node {other}"))
}

/// Has one replica fall behind, kills the master and all others, and lets the stale one take over.
async fn double_failure(cluster: &Cluster, master: usize, replicas: &[usize]) -> Result<String> {
    let lab = &cluster.lab;
    let (stale, acknowledged) = replicas.split_first().context("the master has no replica")?;
    lab.partition(&[*stale])?;
    // So that much is acknowledged by the others alone; less than what makes the stale one unfit to be promoted.
    sleep(Duration::from_secs(3)).await;
    let slots = lab.view(master).await?.peers.into_iter().find(|peer| peer.is("myself"));
    let slot = slots.and_then(|peer| peer.slots.first().map(|slots| *slots.start()));
    let slot = slot.context("the master has no slots")?;
    for node in [&[master], acknowledged].concat() {
        lab.kill(node)?;
    }
    // What the dead master's kernel still holds for the stale one must not arrive.
    lab.heal()?;
    lab.cut(master)?;
    lab.wait_for_master_other_than(master, slot).await?;
    for node in acknowledged {
        lab.restart(*node).await?;
    }
    lab.heal()?;
    lab.restart(master).await?;
    Ok(format!("nodes {master} and {acknowledged:?}, taken over by node {stale}"))
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::MasterKilled => "master killed",
            Self::MasterRestarted => "master killed and back at once",
            Self::ReplicaKilled => "replica killed",
            Self::MasterFrozen => "master frozen beyond failover",
            Self::PowerLost => "master loses power",
            Self::Partition => "master cut off, clients reach it",
            Self::PartitionWithReplica => "master and a replica cut off",
            Self::PlannedFailover => "planned failover",
            Self::SlotsMoved => "busy slots moved",
            Self::NodeEmpty => "node comes back empty",
            Self::DoubleFailure => "master and acknowledging replica die",
            Self::ChatKilled => "chat shard killed",
            Self::ChatFrozen => "chat shard frozen",
            Self::ChatAddedOrRemoved => "chat shard added or removed",
            Self::PresenceKilled => "presence shard killed",
            Self::ApiKilled => "api killed",
            Self::RegistryKilled => "registry killed",
            Self::NotificationKilled => "notification killed",
        })
    }
}

impl std::str::FromStr for Fault {
    type Err = anyhow::Error;

    /// Reads a fault by the words of its name, joined by dashes or not.
    fn from_str(text: &str) -> Result<Self> {
        let same = |fault: &Self| fault.to_string() == text.replace('-', " ");
        Self::all().into_iter().find(same).with_context(|| format!("there is no fault {text:?}"))
    }
}
