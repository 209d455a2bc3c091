//! Members, loads and measures that the property tests share.

use placement::{Assignment, BUCKETS, Bucket, BucketLoads, Member, ORDINARY_WEIGHT, Options, Plan, plan};
use proptest::prelude::*;
use protocol::Shard;

/// How load spreads over the buckets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// All alike.
    Uniform,
    /// The bucket of rank r has 1/r^0.9 of the heaviest; ranks are dealt by the seed.
    Zipf { seed: u64 },
    /// All alike but one, which is 50 times as heavy.
    Hot { bucket: usize },
}

impl Shape {
    /// Any of the three.
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            Just(Self::Uniform),
            any::<u64>().prop_map(|seed| Self::Zipf { seed }),
            (0..BUCKETS).prop_map(|bucket| Self::Hot { bucket }),
        ]
    }

    /// The loads of this shape.
    pub(crate) fn loads(self) -> BucketLoads {
        match self {
            Self::Uniform => BucketLoads::from_fn(|_| 1_000),
            Self::Zipf { seed } => {
                let mut ranks: Vec<u64> = (1..=BUCKETS as u64).collect();
                ranks.sort_by_key(|rank| scramble(seed ^ scramble(*rank)));
                BucketLoads::from_fn(|bucket| (1e9 / (ranks[bucket.index()] as f64).powf(0.9)) as u64)
            }
            Self::Hot { bucket: hot } => {
                BucketLoads::from_fn(|bucket| if bucket.index() == hot { 50_000 } else { 1_000 })
            }
        }
    }
}

/// Loads with each bucket up to 20 % heavier or lighter.
pub(crate) fn noisy(loads: &BucketLoads, seed: u64) -> BucketLoads {
    BucketLoads::from_fn(|bucket| {
        let percent = 80 + scramble(seed ^ scramble(bucket.index() as u64)) % 41;
        loads.of(bucket) * percent / 100
    })
}

/// SplitMix64's finaliser: a number that looks random.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The shard chat-`number`.
pub(crate) fn member(number: usize) -> Member {
    let shard = Shard::new(&format!("chat-{number}")).unwrap();
    Member {
        url: format!("ws://{shard}.chat.svc:8080"),
        shard,
        weight: ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    }
}

/// The first so many shards.
pub(crate) fn members(count: usize) -> Vec<Member> {
    (0..count).map(member).collect()
}

/// Shards with weights from 1 to 4 ordinary ones.
pub(crate) fn weighted_members() -> impl Strategy<Value = Vec<Member>> {
    prop::collection::vec(ORDINARY_WEIGHT..=4 * ORDINARY_WEIGHT, 1..20).prop_map(|weights| {
        weights
            .iter()
            .enumerate()
            .map(|(number, weight)| Member { weight: *weight, ..member(number) })
            .collect()
    })
}

/// A plan with the default options.
pub(crate) fn planned(previous: Option<&Assignment>, members: &[Member], loads: &BucketLoads) -> Plan {
    plan(previous, members, loads, &Options::default()).unwrap()
}

/// A plan that may not move anything because of load.
pub(crate) fn planned_without_rebalance(
    previous: &Assignment,
    members: &[Member],
    loads: &BucketLoads,
) -> Plan {
    plan(Some(previous), members, loads, &Options { rebalance: false, ..Options::default() }).unwrap()
}

/// The load of a shard.
pub(crate) fn load_of(assignment: &Assignment, shard: &Shard, loads: &BucketLoads) -> u64 {
    assignment.buckets_of(shard).map(|bucket| loads.of(bucket)).sum()
}

/// So many per cent of the shard's share, rounded up.
pub(crate) fn capacity(assignment: &Assignment, shard: &Shard, loads: &BucketLoads, percent: u128) -> u64 {
    let serving = assignment.members().iter().filter(|member| member.is_serving());
    let weights: u32 = serving.map(|member| member.weight).sum();
    let weight = u128::from(assignment.member(shard).unwrap().weight);
    (u128::from(loads.total()) * weight * percent).div_ceil(100 * u128::from(weights)) as u64
}

/// The shards over 1.25 times their share.
pub(crate) fn overloaded<'a>(assignment: &'a Assignment, loads: &BucketLoads) -> Vec<&'a Shard> {
    let serving = assignment.members().iter().filter(|member| member.is_serving());
    serving
        .map(|member| &member.shard)
        .filter(|shard| load_of(assignment, shard, loads) > capacity(assignment, shard, loads, 125))
        .collect()
}

/// The buckets whose owners have different names.
pub(crate) fn differences(one: &Assignment, other: &Assignment) -> Vec<Bucket> {
    Bucket::all().filter(|bucket| one.owner(*bucket).shard != other.owner(*bucket).shard).collect()
}
