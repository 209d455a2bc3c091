//! What goes wrong in a world, and when: a list that follows from the seed, so that it can be replayed in part.

use std::fmt;

use crate::defect::Defect;
use crate::dice::Dice;

/// When faults begin at the earliest and at the latest, in virtual milliseconds since people began.
const FROM: u64 = 2_000;
const UNTIL: u64 = 45_000;

/// The size of a world and all that goes wrong in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The seed, of which everything else in the world follows too.
    pub seed: u64,
    /// How many there are of what.
    pub size: Size,
    /// How well the network and the store do when nothing is wrong.
    pub weather: Weather,
    /// What goes wrong, in order of time.
    pub faults: Vec<Timed>,
    /// The deliberate defect, if there is one.
    pub defect: Option<Defect>,
}

/// How many there are of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Chat shards at the start.
    pub chat: u64,
    /// Presence shards.
    pub presence: u64,
    /// Replicas of the registry.
    pub registries: u64,
    /// Replicas of the api role.
    pub apis: u64,
    /// People.
    pub people: u64,
}

/// The times between the parts, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The longest way of a packet.
    pub network: u64,
    /// The longest way of a call to the store.
    pub store: u64,
}

/// A fault and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// When it begins, in virtual milliseconds since people began.
    pub at: u64,
    /// How long it lasts, in milliseconds; what is over at once has 0.
    pub lasts: u64,
    /// What it is.
    pub fault: Fault,
}

/// Something that goes wrong, or a change that must not be felt.
///
/// Shards and people are picked by a number out of those who are there at that moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A chat or presence shard dies without a word, and comes back under its name at the end of the fault.
    Crash {
        /// Which shard.
        shard: u64,
    },
    /// A shard stands still, and goes on late.
    Freeze {
        /// Which shard.
        shard: u64,
    },
    /// A shard is added.
    Join,
    /// A shard drains and goes for good.
    Leave {
        /// Which shard.
        shard: u64,
    },
    /// All chat shards are replaced under their names, one after the other.
    Rollout,
    /// A replica of the api role dies and comes back.
    ApiCrash {
        /// Which replica.
        replica: u64,
    },
    /// The notification worker dies and comes back.
    NotificationCrash,
    /// A replica of the registry dies and comes back.
    RegistryCrash {
        /// Which replica.
        replica: u64,
    },
    /// All replicas of the registry are away.
    NoRegistry,
    /// A replica of the registry stands still, and believes to lead when it goes on.
    RegistryFreeze {
        /// Which replica.
        replica: u64,
    },
    /// All replicas of the registry believe to lead.
    AllLead,
    /// Another replica leads from now on; the one before learns of it late.
    LeaderChange,
    /// Kubernetes shows a shard as gone for a while, though it is there.
    Flap {
        /// Which shard.
        shard: u64,
    },
    /// One process is late to learn of new tables.
    LateTables {
        /// Which shard.
        shard: u64,
    },
    /// A person's connections break.
    Cut {
        /// Whose.
        person: u64,
    },
    /// A person's devices vanish without a word, and return as new connections.
    Vanish {
        /// Whose.
        person: u64,
    },
    /// All connections of a shard break.
    CutShard {
        /// Which shard.
        shard: u64,
    },
    /// Nothing arrives between a person and a shard; both are there.
    Silence {
        /// Whose.
        person: u64,
        /// Which shard.
        shard: u64,
    },
    /// The network is slow.
    Slow {
        /// The longest way of a packet, in milliseconds.
        millis: u64,
    },
    /// The store answers late, refuses, or does what it was asked and says that it does not know.
    Store {
        /// Which process: of a shard's number, or nobody's: everybody's.
        shard: Option<u64>,
        /// The longest way of a call, in milliseconds.
        millis: u64,
        /// How many calls in a hundred are refused.
        refused: u64,
        /// How many calls in a hundred are done, with a lost answer.
        doubt: u64,
    },
    /// The store answers nobody.
    StoreDown,
    /// A part of the store comes back as it was a while ago, though it had taken more.
    LoseTail {
        /// Which partition.
        partition: u64,
        /// What was taken in this time is gone, in milliseconds.
        millis: u64,
    },
    /// Hints from shard to shard are lost, repeated or late.
    Hints {
        /// How many in a hundred are lost.
        lost: u64,
        /// How many in a hundred come twice.
        repeated: u64,
        /// How many in a hundred come late.
        late: u64,
    },
    /// A process's wall clock jumps.
    Clock {
        /// Which shard.
        shard: u64,
        /// By how many milliseconds.
        millis: i64,
    },
}

impl Plan {
    /// Makes the plan of a seed.
    pub fn of(seed: u64) -> Self {
        let dice = Dice::new(seed, "plan");
        let size = Size {
            chat: dice.between(1..=4),
            presence: dice.between(1..=2),
            registries: dice.between(1..=2),
            apis: dice.between(1..=2),
            people: dice.between(3..=8),
        };
        let weather = Weather { network: dice.between(1..=40), store: dice.between(0..=10) };
        // Not everything everywhere: a world with few kinds of faults shows what many would hide.
        let kinds: Vec<u64> = (0..KINDS).filter(|_| dice.chance(0.35)).collect();
        let count = if kinds.is_empty() { 0 } else { dice.between(0..=10) };
        let mut faults: Vec<Timed> = (0..count)
            .filter_map(|_| {
                let (fault, lasts) = fault(*dice.pick(&kinds)?, &dice);
                Some(Timed { at: dice.between(FROM..=UNTIL), lasts, fault })
            })
            .collect();
        faults.sort_by_key(|timed| timed.at);
        Self { seed, size, weather, faults, defect: None }
    }
}

/// How many kinds of faults [`fault`] knows.
const KINDS: u64 = 22;

/// Makes a fault of a kind, and says how long it lasts.
fn fault(kind: u64, dice: &Dice) -> (Fault, u64) {
    let any = || dice.between(0..=999);
    match kind {
        0 => (Fault::Crash { shard: any() }, dice.between(500..=20_000)),
        // Longer than every time-out of ours, or about as long as the shortest.
        1 => (
            Fault::Freeze { shard: any() },
            if dice.chance(0.3) { 60_000 } else { dice.between(200..=15_000) },
        ),
        2 => (Fault::Join, 0),
        3 => (Fault::Leave { shard: any() }, 0),
        4 => (Fault::Rollout, 0),
        5 => (Fault::ApiCrash { replica: any() }, dice.between(500..=10_000)),
        6 => (Fault::NotificationCrash, dice.between(100..=10_000)),
        7 => (Fault::RegistryCrash { replica: any() }, dice.between(500..=20_000)),
        8 => (Fault::NoRegistry, dice.between(1_000..=40_000)),
        9 => (Fault::RegistryFreeze { replica: any() }, dice.between(1_000..=20_000)),
        10 => (Fault::AllLead, dice.between(1_000..=20_000)),
        11 => (Fault::LeaderChange, 0),
        12 => (Fault::Flap { shard: any() }, dice.between(500..=8_000)),
        13 => (Fault::LateTables { shard: any() }, dice.between(1_000..=20_000)),
        14 => (Fault::Cut { person: any() }, 0),
        15 => (Fault::Vanish { person: any() }, 0),
        16 => (Fault::CutShard { shard: any() }, 0),
        17 => (Fault::Silence { person: any(), shard: any() }, dice.between(1_000..=60_000)),
        18 => (Fault::Slow { millis: dice.between(50..=2_000) }, dice.between(1_000..=10_000)),
        19 => {
            let shard = dice.chance(0.5).then(any);
            let (refused, doubt) = (dice.between(0..=40), dice.between(0..=40));
            (
                Fault::Store { shard, millis: dice.between(1..=800), refused, doubt },
                dice.between(500..=15_000),
            )
        }
        20 if dice.chance(0.5) => (Fault::StoreDown, dice.between(200..=8_000)),
        20 => (Fault::LoseTail { partition: any(), millis: dice.between(200..=4_000) }, 0),
        _ if dice.chance(0.3) => {
            let millis = i64::try_from(dice.between(0..=120_000)).unwrap_or(0) - 60_000;
            (Fault::Clock { shard: any(), millis }, 0)
        }
        _ => {
            let share = || if dice.chance(0.5) { 0 } else { dice.between(5..=100) };
            let (lost, repeated, late) = (share(), share(), share());
            (Fault::Hints { lost, repeated, late }, dice.between(1_000..=30_000))
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "seed {}: {:?}, {:?}", self.seed, self.size, self.weather)?;
        for Timed { at, lasts, fault } in &self.faults {
            writeln!(formatter, "  at {at:>6} ms for {lasts:>6} ms: {fault:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_has_one_plan_and_all_kinds_come_up() {
        let kind = |timed: &Timed| format!("{:?}", timed.fault).split([' ', '{']).next().map(str::to_owned);
        let mut kinds = BTreeSet::new();
        for seed in 0..1000 {
            let plan = Plan::of(seed);
            assert_eq!(plan, Plan::of(seed));
            kinds.extend(plan.faults.iter().filter_map(kind));
        }
        assert_eq!(kinds.len(), 24, "{kinds:?}");
    }
}
