//! A change of the members moves what it must and nothing else.

use crate::scenario::{
    Shape, differences, load_of, member, members, planned, planned_without_rebalance, weighted_members,
};
use placement::{Assignment, BUCKETS, Bucket, BucketLoads, Member, Options, Plan, plan};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn crash_moves_exactly_what_the_dead_shard_had(
        count in 2..=20_usize, dead in 0..20_usize, shape in Shape::any()
    ) {
        let (loads, mut members) = (shape.loads(), members(count));
        let before = planned(None, &members, &loads).assignment;
        let dead = members.remove(dead % count);
        let orphans: Vec<_> = before.buckets_of(&dead.shard).collect();
        prop_assert_eq!(&planned_without_rebalance(&before, &members, &loads).moved, &orphans);
        // Without the heaviest buckets of a heavy tail there is always room, so rebalancing has nothing to add.
        if !matches!(shape, Shape::Zipf { .. }) {
            prop_assert_eq!(&planned(Some(&before), &members, &loads).moved, &orphans);
        }
    }

    #[test]
    fn runner_up_takes_over_where_there_is_room(count in 3..=20_usize, dead in 0..20_usize) {
        let (loads, mut members) = (Shape::Uniform.loads(), members(count));
        let before = planned(None, &members, &loads).assignment;
        let dead = members.remove(dead % count);
        let after = planned(Some(&before), &members, &loads).assignment;
        let orphans: Vec<_> = before.buckets_of(&dead.shard).collect();
        let foreseen = orphans
            .iter()
            .filter(|bucket| before.runner_up(**bucket, &[]).unwrap().shard == after.owner(**bucket).shard)
            .count();
        prop_assert!(foreseen * 2 > orphans.len(), "{} of {}", foreseen, orphans.len());
    }

    #[test]
    fn draining_shard_keeps_nothing_and_stays_listed(
        count in 2..=20_usize, leaver in 0..20_usize, shape in Shape::any()
    ) {
        let (loads, mut members) = (shape.loads(), members(count));
        let before = planned(None, &members, &loads).assignment;
        let leaver = leaver % count;
        members[leaver].draining = true;
        let drained = planned_without_rebalance(&before, &members, &loads);
        let leaver = &members[leaver].shard;
        prop_assert_eq!(&drained.moved, &before.buckets_of(leaver).collect::<Vec<_>>());
        prop_assert_eq!(drained.assignment.buckets_of(leaver).count(), 0);
        prop_assert!(!drained.assignment.member(leaver).unwrap().is_serving());
        let gone: Vec<_> = members.iter().filter(|member| !member.draining).cloned().collect();
        prop_assert_eq!(planned_without_rebalance(&drained.assignment, &gone, &loads).moved.len(), 0);
    }

    #[test]
    fn join_moves_to_the_newcomer_alone(count in 1..20_usize, shape in Shape::any()) {
        let loads = shape.loads();
        let before = planned(None, &members(count), &loads).assignment;
        let newcomer = member(count).shard;
        let without = planned_without_rebalance(&before, &members(count + 1), &loads);
        let joined = planned(Some(&before), &members(count + 1), &loads);
        for Plan { assignment, moved } in [&without, &joined] {
            prop_assert!(moved.iter().all(|bucket| assignment.owner(*bucket).shard == newcomer));
            prop_assert!(moved.len() <= BUCKETS * 105 / 100 / (count + 1));
            let moved_load: u64 = moved.iter().map(|bucket| loads.of(*bucket)).sum();
            prop_assert!(moved_load <= loads.total() * 105 / 100 / (count as u64 + 1) + 1);
        }
        if !matches!(shape, Shape::Zipf { .. }) {
            let load = load_of(&joined.assignment, &newcomer, &loads);
            prop_assert!(load * 100 >= loads.total() / (count as u64 + 1) * 95, "it gets its share");
        }
        prop_assert_eq!(planned(Some(&joined.assignment), &members(count + 1), &loads).moved.len(), 0);
    }

    #[test]
    fn restart_under_the_same_name_moves_nothing(members in weighted_members(), shape in Shape::any()) {
        let loads = shape.loads();
        let before = planned(None, &members, &loads).assignment;
        let restarted: Vec<_> =
            members.iter().map(|member| Member { url: "ws://elsewhere".into(), ..member.clone() }).collect();
        let after = planned(Some(&before), &restarted, &loads);
        prop_assert_eq!(after.moved.len(), 0);
        prop_assert!(after.assignment.members().iter().all(|member| member.url == "ws://elsewhere"));
    }

    /// Any history of members, with load moving buckets or not: each step is a table of its members.
    #[test]
    fn any_history_of_members_is_survived(
        steps in prop::collection::vec((prop::collection::vec((0..12_usize, 0..=500_u32, any::<bool>()), 0..12), Shape::any(), any::<bool>()), 1..6)
    ) {
        let mut last: Option<Assignment> = None;
        for (picks, shape, rebalance) in steps {
            let mut members: Vec<_> = picks
                .into_iter()
                .map(|(number, weight, draining)| Member { weight, draining, ..member(number) })
                .collect();
            members.sort_by(|one, other| one.shard.cmp(&other.shard));
            members.dedup_by(|one, other| one.shard == other.shard);
            let loads = shape.loads();
            let options = Options { rebalance, homes: last.as_ref(), ..Options::default() };
            let Ok(Plan { assignment, moved }) = plan(last.as_ref(), &members, &loads, &options) else {
                prop_assert!(members.iter().all(|member| member.draining));
                continue;
            };
            prop_assert!(Bucket::all().all(|bucket| assignment.owner(bucket).is_serving()));
            prop_assert_eq!(assignment.members().len(), members.len());
            if let Some(last) = &last {
                prop_assert_eq!(moved, differences(last, &assignment));
            }
            last = Some(assignment);
        }
    }

    /// Each shard in turn drains, goes, and comes back under its name: away and home again, and nothing else.
    #[test]
    fn rollout_moves_nobody_more_than_twice(count in 2..=10_usize, shape in Shape::any(), surge: bool) {
        let loads = shape.loads();
        let stable = planned(None, &members(count), &loads).assignment;
        let options = Options { rebalance: false, homes: Some(&stable), ..Options::default() };
        let mut current = stable.clone();
        let mut moves = vec![0; BUCKETS];
        let mut step = |members: &[Member]| {
            let next = plan(Some(&current), members, &loads, &options).unwrap();
            next.moved.iter().for_each(|bucket| moves[bucket.index()] += 1);
            current = next.assignment;
        };
        let extra = if surge { vec![member(count)] } else { vec![] };
        let all = [members(count), extra].concat();
        step(&all);
        for leaver in 0..count {
            let mut left = all.clone();
            left[leaver].draining = true;
            step(&left);
            left.remove(leaver);
            step(&left);
            step(&all);
        }
        step(&members(count));
        prop_assert!(moves.iter().all(|moves| *moves <= 2), "at most {:?}", moves.iter().max());
        if !surge {
            prop_assert_eq!(differences(&stable, &current), vec![]);
        }
    }
}

#[test]
fn fourth_shard_takes_about_a_quarter() {
    let loads = Shape::Uniform.loads();
    let before = planned(None, &members(3), &loads).assignment;
    let moved = planned(Some(&before), &members(4), &loads).moved.len();
    assert!((BUCKETS * 24 / 100..=BUCKETS * 27 / 100).contains(&moved), "{moved}");
}

/// Nearly all load is in nine buckets, two of which make the newcomer almost full: the others, idle as they
/// are, are users too, and are not moved to make up for what is missing.
#[test]
fn join_moves_few_buckets_however_light_they_are() {
    let before = planned(None, &members(3), &BucketLoads::uniform()).assignment;
    let heavy: Vec<_> = (0..3)
        .flat_map(|number| before.buckets_of(&member(number).shard).take(3).collect::<Vec<_>>())
        .collect();
    let loads = BucketLoads::from_fn(|bucket| if heavy.contains(&bucket) { 1_000_000 } else { 1 });
    let moved = planned_without_rebalance(&before, &members(4), &loads).moved;
    assert_eq!(moved.iter().filter(|bucket| heavy.contains(bucket)).count(), 2);
    assert!(moved.len() <= BUCKETS * 27 / 100, "{}", moved.len());
}
