//! Nobody is overloaded, noise moves nothing, and the same input gives the same bytes.

use crate::scenario::{
    Shape, capacity, differences, load_of, member, members, noisy, overloaded, planned, weighted_members,
};
use placement::{Assignment, Bucket, BucketLoads, Member, Options, Plan, plan};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From nothing, and after the load has become any other.
    #[test]
    fn nobody_is_over_the_bound_unless_one_bucket_alone_is(
        count in 1..=20_usize, before in Shape::any(), after in Shape::any()
    ) {
        let first = planned(None, &members(count), &before.loads()).assignment;
        let second = planned(Some(&first), &members(count), &after.loads()).assignment;
        for (assignment, loads) in [(first, before.loads()), (second, after.loads())] {
            for shard in overloaded(&assignment, &loads) {
                prop_assert_eq!(assignment.buckets_of(shard).count(), 1, "{}", shard);
            }
        }
    }

    /// The same for any load whatever, where buckets may not pack: then nothing of an overloaded shard fits elsewhere.
    #[test]
    fn what_an_overloaded_shard_holds_fits_nowhere_else(
        members in weighted_members(), heavy in prop::collection::vec((0..4096_u16, 1..=1_000_000_u64), 0..40)
    ) {
        let loads = BucketLoads::from_fn(|bucket| {
            heavy.iter().find(|(number, _)| *number == u16::from(bucket)).map_or(1, |(_, load)| *load)
        });
        let uniform = planned(None, &members, &BucketLoads::uniform()).assignment;
        let assignment = planned(Some(&uniform), &members, &loads).assignment;
        for over in overloaded(&assignment, &loads) {
            for bucket in assignment.buckets_of(over) {
                for other in assignment.members().iter().filter(|member| member.shard != *over) {
                    let with = load_of(&assignment, &other.shard, &loads) + loads.of(bucket);
                    prop_assert!(with > capacity(&assignment, &other.shard, &loads, 125));
                }
            }
        }
    }

    #[test]
    fn noise_of_a_fifth_moves_nothing(count in 1..=20_usize, shape in Shape::any(), seed: u64) {
        let loads = shape.loads();
        let first = planned(None, &members(count), &loads).assignment;
        let second = planned(Some(&first), &members(count), &noisy(&loads, seed));
        prop_assert_eq!(second, Plan { assignment: first, moved: vec![] });
    }

    #[test]
    fn same_input_gives_the_same_bytes(
        members in weighted_members(), next in weighted_members(), shape in Shape::any(), turn in 0..20_usize
    ) {
        let rotated = |members: &[Member]| {
            let mut members = members.to_vec();
            let turn = turn % members.len();
            members.rotate_left(turn);
            members.reverse();
            members
        };
        let loads = shape.loads();
        let first = planned(None, &members, &loads);
        prop_assert_eq!(&first, &planned(None, &rotated(&members), &loads));
        let second = planned(Some(&first.assignment), &next, &loads);
        let again = planned(Some(&first.assignment), &rotated(&next), &loads);
        prop_assert_eq!(&second.moved, &differences(&first.assignment, &second.assignment));
        let bytes = |plan: &Plan| serde_json::to_vec(&plan.assignment).unwrap();
        prop_assert_eq!(bytes(&second), bytes(&again));
    }

    #[test]
    fn shares_follow_weights(members in weighted_members()) {
        let loads = BucketLoads::from_fn(|_| 1_000);
        let assignment = planned(None, &members, &loads).assignment;
        for Member { shard, .. } in assignment.members() {
            let load = load_of(&assignment, shard, &loads);
            prop_assert!(load <= capacity(&assignment, shard, &loads, 105) + 1_000);
            prop_assert!(load >= capacity(&assignment, shard, &loads, 50), "{} of {}", load, shard);
        }
    }
}

/// Loads in which chat-0 of the assignment has so many per cent of its share.
fn skewed(assignment: &Assignment, percent: u64) -> BucketLoads {
    let own = assignment.buckets_of(&member(0).shard).count() as u64;
    let share = 1_000_000 / assignment.members().len() as u64 * percent / 100;
    BucketLoads::from_fn(|bucket| {
        if assignment.owner(bucket).shard == member(0).shard {
            share * 1_000 / own
        } else {
            (1_000_000 - share) * 1_000 / (4096 - own)
        }
    })
}

#[test]
fn acts_over_the_trigger_alone_and_then_down_to_the_target() {
    let assignment = planned(None, &members(4), &BucketLoads::uniform()).assignment;
    let below = planned(Some(&assignment), &members(4), &skewed(&assignment, 123));
    assert_eq!(below.moved, []);

    let loads = skewed(&assignment, 130);
    let above = planned(Some(&assignment), &members(4), &loads);
    assert!(above.moved.iter().all(|bucket| assignment.owner(*bucket).shard == member(0).shard));
    for Member { shard, .. } in above.assignment.members() {
        // To within a bucket of a thousandth of the whole.
        let limit = capacity(&assignment, shard, &loads, 105) + loads.total() / 1_000;
        assert!(load_of(&above.assignment, shard, &loads) <= limit);
    }
    // 25 of 130 hundredths of a quarter, not more than needed.
    let moved: u64 = above.moved.iter().map(|bucket| loads.of(*bucket)).sum();
    assert!(moved * 1000 / loads.total() <= 63, "{moved} of {}", loads.total());
}

#[test]
fn load_moves_nothing_while_that_is_off() {
    let assignment = planned(None, &members(4), &BucketLoads::uniform()).assignment;
    let options = Options { rebalance: false, ..Options::default() };
    let plan = plan(Some(&assignment), &members(4), &skewed(&assignment, 200), &options).unwrap();
    assert_eq!(plan.moved, []);
}

#[test]
fn hundred_shards_are_within_the_bound() {
    let loads = Shape::Uniform.loads();
    let assignment = planned(None, &members(100), &loads).assignment;
    assert!(overloaded(&assignment, &loads).is_empty());
    let all: usize = (0..100).map(|number| assignment.buckets_of(&member(number).shard).count()).sum();
    assert_eq!(all, Bucket::all().len());
}

/// Two buckets of 0.7 shares each on one shard: they fit nowhere until something light has made way.
#[test]
fn heavy_buckets_are_parted() {
    let members = members(4);
    let before = planned(None, &members, &BucketLoads::uniform()).assignment;
    let heavy: Vec<_> = before.buckets_of(&member(0).shard).take(2).collect();
    let loads = BucketLoads::from_fn(|bucket| if heavy.contains(&bucket) { 1_100_000 } else { 1_000 });
    let after = planned(Some(&before), &members, &loads).assignment;
    assert_ne!(after.owner(heavy[0]), after.owner(heavy[1]));
    assert!(overloaded(&after, &loads).is_empty());
}
