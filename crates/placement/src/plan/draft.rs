//! The assignment in the making: who owns what so far, and how full each shard is.

use std::cmp::{Ordering, Reverse};

use crate::assignment::{Assignment, ring_of};
use crate::bucket::{BUCKETS, Bucket};
use crate::load::BucketLoads;
use crate::plan::Options;
use crate::ring::Ring;
use crate::shard::{Shard, ShardIndex};

/// An assignment in the making.
pub(super) struct Draft<'a> {
    pub(super) options: Options<'a>,
    /// The ring of the serving shards.
    pub(super) ring: Ring,
    loads: &'a BucketLoads,
    seats: Vec<Seat>,
    /// `None` is a bucket whose owner is gone; there is none once they are settled.
    owners: Vec<Option<ShardIndex>>,
    /// For each bucket the serving shard that had it before the rollout.
    homes: Vec<Option<ShardIndex>>,
    total_load: u128,
    total_weight: u128,
}

/// What is known of one shard.
struct Seat {
    serving: bool,
    weight: u128,
    load: u128,
    buckets: usize,
}

impl<'a> Draft<'a> {
    /// Begins with every bucket at its previous owner, if that one is still serving.
    pub(super) fn new(
        shards: &[Shard],
        previous: Option<&Assignment>,
        loads: &'a BucketLoads,
        options: &Options<'a>,
    ) -> Self {
        let seats: Vec<_> = shards
            .iter()
            .map(|shard| Seat {
                serving: shard.is_serving(),
                weight: u128::from(shard.weight),
                load: 0,
                buckets: 0,
            })
            .collect();
        let total_weight = seats.iter().filter(|seat| seat.serving).map(|seat| seat.weight).sum();
        let target = options.target.max(100);
        let mut draft = Self {
            options: Options { target, trigger: options.trigger.max(target), ..*options },
            ring: ring_of(shards),
            loads,
            seats,
            owners: vec![None; BUCKETS],
            homes: positions(options.homes, shards),
            total_load: u128::from(loads.total()),
            total_weight,
        };
        for (bucket, owner) in Bucket::all().zip(positions(previous, shards)) {
            if let Some(owner) = owner {
                draft.assign(bucket, owner);
            }
        }
        draft
    }

    /// Gives the shards that are serving now and were not before; nobody is new in the first plan.
    pub(super) fn newcomers(&self, previous: Option<&Assignment>, shards: &[Shard]) -> Vec<ShardIndex> {
        let Some(previous) = previous else { return Vec::new() };
        self.serving()
            .filter(|index| !previous.shard(&shards[usize::from(*index)].name).is_some_and(Shard::is_serving))
            .collect()
    }

    /// Gives the owners; every bucket has one once the draft is settled.
    pub(super) fn into_owners(self) -> Vec<ShardIndex> {
        self.owners.into_iter().flatten().collect()
    }

    /// Iterates over the serving shards.
    pub(super) fn serving(&self) -> impl Iterator<Item = ShardIndex> + '_ {
        (0..=ShardIndex::MAX).zip(&self.seats).filter(|(_, seat)| seat.serving).map(|(index, _)| index)
    }

    /// Gives a bucket to a shard and takes it from whoever had it.
    pub(super) fn assign(&mut self, bucket: Bucket, shard: ShardIndex) {
        let load = self.load_of(bucket);
        if let Some(before) = self.owners[bucket.index()].replace(shard) {
            let seat = &mut self.seats[usize::from(before)];
            seat.load -= load;
            seat.buckets -= 1;
        }
        let seat = &mut self.seats[usize::from(shard)];
        seat.load += load;
        seat.buckets += 1;
    }

    pub(super) fn owner(&self, bucket: Bucket) -> Option<ShardIndex> {
        self.owners[bucket.index()]
    }

    /// Gives the shard that had the bucket before the rollout, if it is serving.
    pub(super) fn home(&self, bucket: Bucket) -> Option<ShardIndex> {
        self.homes[bucket.index()]
    }

    pub(super) fn load_of(&self, bucket: Bucket) -> u128 {
        u128::from(self.loads.of(bucket))
    }

    pub(super) fn load(&self, shard: ShardIndex) -> u128 {
        self.seats[usize::from(shard)].load
    }

    pub(super) fn buckets(&self, shard: ShardIndex) -> usize {
        self.seats[usize::from(shard)].buckets
    }

    /// Gives this many per cent of the shard's share of the load, rounded up.
    pub(super) fn capacity(&self, shard: ShardIndex, percent: u32) -> u128 {
        (self.total_load * self.weight(shard) * u128::from(percent)).div_ceil(100 * self.total_weight)
    }

    /// Gives this many per cent of the shard's share of the buckets, rounded down.
    pub(super) fn bucket_capacity(&self, shard: ShardIndex, percent: u32) -> usize {
        let share = BUCKETS as u128 * self.weight(shard) * u128::from(percent) / (100 * self.total_weight);
        usize::try_from(share).unwrap_or(usize::MAX)
    }

    /// Says whether the shard stays within this many per cent of its share if it takes the bucket.
    pub(super) fn fits(&self, bucket: Bucket, shard: ShardIndex, percent: u32) -> bool {
        self.load(shard) + self.load_of(bucket) <= self.capacity(shard, percent)
    }

    /// Says whether the receiver with the bucket is less full than the giver is with it.
    pub(super) fn improves(&self, bucket: Bucket, giver: ShardIndex, receiver: ShardIndex) -> bool {
        (self.load(receiver) + self.load_of(bucket)) * self.weight(giver)
            < self.load(giver) * self.weight(receiver)
    }

    /// Compares how full two shards would be with this much more load.
    pub(super) fn compare_with(&self, one: ShardIndex, other: ShardIndex, more: u128) -> Ordering {
        let level = |shard, over| (self.load(shard) + more) * self.weight(over);
        level(one, other).cmp(&level(other, one))
    }

    /// Gives the buckets of a shard, heaviest first, then in ascending order.
    pub(super) fn heaviest_of(&self, shard: Option<ShardIndex>) -> Vec<Bucket> {
        let mut buckets: Vec<_> = Bucket::all().filter(|bucket| self.owner(*bucket) == shard).collect();
        buckets.sort_by_key(|bucket| Reverse(self.load_of(*bucket)));
        buckets
    }

    fn weight(&self, shard: ShardIndex) -> u128 {
        self.seats[usize::from(shard)].weight
    }
}

/// Translates the owners of an assignment into positions in another list of shards, those not serving there
/// being nobody.
fn positions(assignment: Option<&Assignment>, shards: &[Shard]) -> Vec<Option<ShardIndex>> {
    let Some(assignment) = assignment else { return vec![None; BUCKETS] };
    let translation: Vec<_> = assignment.shards().iter().map(|shard| position(shards, &shard.name)).collect();
    Bucket::all().map(|bucket| translation[usize::from(assignment.owner_index(bucket))]).collect()
}

/// Finds a serving shard by name.
fn position(shards: &[Shard], name: &str) -> Option<ShardIndex> {
    (0..=ShardIndex::MAX)
        .zip(shards)
        .find(|(_, shard)| shard.name == name && shard.is_serving())
        .map(|(index, _)| index)
}
