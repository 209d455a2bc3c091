//! The assignment in the making: who owns what so far, and how full each shard is.

use std::cmp::{Ordering, Reverse};

use protocol::Shard;

use crate::assignment::{Assignment, ring_of};
use crate::bucket::{BUCKETS, Bucket};
use crate::load::BucketLoads;
use crate::member::{Member, MemberIndex};
use crate::plan::Options;
use crate::ring::Ring;

/// An assignment in the making.
pub(super) struct Draft<'a> {
    pub(super) options: Options<'a>,
    /// The ring of the serving shards.
    pub(super) ring: Ring,
    loads: &'a BucketLoads,
    seats: Vec<Seat>,
    /// `None` is a bucket whose owner is gone; there is none once they are settled.
    owners: Vec<Option<MemberIndex>>,
    /// For each bucket the serving shard that had it before the rollout.
    homes: Vec<Option<MemberIndex>>,
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
        members: &[Member],
        previous: Option<&Assignment>,
        loads: &'a BucketLoads,
        options: &Options<'a>,
    ) -> Self {
        let seats: Vec<_> = members
            .iter()
            .map(|member| Seat {
                serving: member.is_serving(),
                weight: u128::from(member.weight),
                load: 0,
                buckets: 0,
            })
            .collect();
        let total_weight = seats.iter().filter(|seat| seat.serving).map(|seat| seat.weight).sum();
        let target = options.target.max(100);
        let mut draft = Self {
            options: Options { target, trigger: options.trigger.max(target), ..*options },
            ring: ring_of(members),
            loads,
            seats,
            owners: vec![None; BUCKETS],
            homes: positions(options.homes, members),
            total_load: u128::from(loads.total()),
            total_weight,
        };
        for (bucket, owner) in Bucket::all().zip(positions(previous, members)) {
            if let Some(owner) = owner {
                draft.assign(bucket, owner);
            }
        }
        draft
    }

    /// Gives the shards that are serving now and were not before; nobody is new in the first plan.
    pub(super) fn newcomers(&self, previous: Option<&Assignment>, members: &[Member]) -> Vec<MemberIndex> {
        let Some(previous) = previous else { return Vec::new() };
        self.serving()
            .filter(|index| {
                !previous.member(&members[usize::from(*index)].shard).is_some_and(Member::is_serving)
            })
            .collect()
    }

    /// Gives the owners; every bucket has one once the draft is settled.
    pub(super) fn into_owners(self) -> Vec<MemberIndex> {
        self.owners.into_iter().flatten().collect()
    }

    /// Iterates over the serving shards.
    pub(super) fn serving(&self) -> impl Iterator<Item = MemberIndex> + '_ {
        (0..=MemberIndex::MAX).zip(&self.seats).filter(|(_, seat)| seat.serving).map(|(index, _)| index)
    }

    /// Gives a bucket to a shard and takes it from whoever had it.
    pub(super) fn assign(&mut self, bucket: Bucket, shard: MemberIndex) {
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

    pub(super) fn owner(&self, bucket: Bucket) -> Option<MemberIndex> {
        self.owners[bucket.index()]
    }

    /// Gives the shard that had the bucket before the rollout, if it is serving.
    pub(super) fn home(&self, bucket: Bucket) -> Option<MemberIndex> {
        self.homes[bucket.index()]
    }

    /// Says whether the shard was there before the rollout.
    pub(super) fn is_home_of_any(&self, shard: MemberIndex) -> bool {
        self.homes.contains(&Some(shard))
    }

    pub(super) fn load_of(&self, bucket: Bucket) -> u128 {
        u128::from(self.loads.of(bucket))
    }

    pub(super) fn load(&self, shard: MemberIndex) -> u128 {
        self.seats[usize::from(shard)].load
    }

    pub(super) fn buckets(&self, shard: MemberIndex) -> usize {
        self.seats[usize::from(shard)].buckets
    }

    /// Gives this many per cent of the shard's share of the load, rounded up.
    pub(super) fn capacity(&self, shard: MemberIndex, percent: u32) -> u128 {
        (self.total_load * self.weight(shard) * u128::from(percent)).div_ceil(100 * self.total_weight)
    }

    /// Gives this many per cent of the shard's share of the buckets, rounded down.
    pub(super) fn bucket_capacity(&self, shard: MemberIndex, percent: u32) -> usize {
        let share = BUCKETS as u128 * self.weight(shard) * u128::from(percent) / (100 * self.total_weight);
        usize::try_from(share).unwrap_or(usize::MAX)
    }

    /// Says whether the shard stays within this many per cent of its share if it takes the bucket.
    pub(super) fn fits(&self, bucket: Bucket, shard: MemberIndex, percent: u32) -> bool {
        self.load(shard) + self.load_of(bucket) <= self.capacity(shard, percent)
    }

    /// Says whether the receiver with the bucket is less full than the giver is with it.
    pub(super) fn improves(&self, bucket: Bucket, giver: MemberIndex, receiver: MemberIndex) -> bool {
        (self.load(receiver) + self.load_of(bucket)) * self.weight(giver)
            < self.load(giver) * self.weight(receiver)
    }

    /// Compares how full two shards would be with this much more load.
    pub(super) fn compare_with(&self, one: MemberIndex, other: MemberIndex, more: u128) -> Ordering {
        let level = |shard, over| (self.load(shard) + more) * self.weight(over);
        level(one, other).cmp(&level(other, one))
    }

    /// Gives the buckets of a shard, heaviest first, then in ascending order.
    pub(super) fn heaviest_of(&self, shard: Option<MemberIndex>) -> Vec<Bucket> {
        let mut buckets: Vec<_> = Bucket::all().filter(|bucket| self.owner(*bucket) == shard).collect();
        buckets.sort_by_key(|bucket| Reverse(self.load_of(*bucket)));
        buckets
    }

    fn weight(&self, shard: MemberIndex) -> u128 {
        self.seats[usize::from(shard)].weight
    }
}

/// Translates the owners of an assignment into positions in another list, those not serving there being nobody.
fn positions(assignment: Option<&Assignment>, members: &[Member]) -> Vec<Option<MemberIndex>> {
    let Some(assignment) = assignment else { return vec![None; BUCKETS] };
    let translation: Vec<_> =
        assignment.members().iter().map(|member| position(members, &member.shard)).collect();
    Bucket::all().map(|bucket| translation[usize::from(assignment.owner_index(bucket))]).collect()
}

/// Finds a serving shard by name.
fn position(members: &[Member], shard: &Shard) -> Option<MemberIndex> {
    (0..=MemberIndex::MAX)
        .zip(members)
        .find(|(_, member)| member.shard == *shard && member.is_serving())
        .map(|(index, _)| index)
}
