//! The planner: the next assignment from the last one.
//!
//! The bounds are those of consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2016): no
//! shard takes more than a constant times its share, and a bucket whose preferred shard is full goes on to the
//! next on the ring. Unlike there, buckets have measured weights, and what has an owner stays with it.

mod draft;
mod join;
mod rebalance;
mod settle;

use crate::assignment::{Assignment, AssignmentError};
use crate::bucket::Bucket;
use crate::load::BucketLoads;
use crate::member::{MAX_MEMBERS, MAX_WEIGHT, Member};
use draft::Draft;

/// What a plan may do, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The bound, in per cent of a shard's share: load moves a bucket only if a shard is over it.
    pub trigger: u32,
    /// How full, in per cent of its share, a shard becomes through a plan. Below the trigger, so that noise
    /// does not set off the next plan; at least 100.
    pub target: u32,
    /// Whether buckets may leave shards that stay, because of load. While this is off only a shard that
    /// leaves gives buckets away, and only one that joins receives others.
    pub rebalance: bool,
    /// The assignment before a rollout began, so that a shard that comes back receives what it had.
    pub homes: Option<&'a Assignment>,
}

/// The next assignment, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Who owns what from now on.
    pub assignment: Assignment,
    /// The buckets that had another owner before, in ascending order.
    pub moved: Vec<Bucket>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nobody could own anything: there are no members, or all are draining.
    #[error("no serving member among {members}")]
    NoServingMember {
        /// How many members there are.
        members: usize,
    },
    /// The members are not a list of shards: too many, or two of one name.
    #[error(transparent)]
    Members(#[from] AssignmentError),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { trigger: 125, target: 105, rebalance: true, homes: None }
    }
}

/// Makes the next assignment.
///
/// In this order: buckets without a serving owner go home or along the ring; members that were not serving
/// before receive what they had, then up to their share, from the busiest; and if `options.rebalance`, shards
/// over the trigger give buckets away. Whatever none of these touches keeps its owner.
///
/// # Errors
///
/// [`PlanError`] if no member is serving, there are more than [`MAX_MEMBERS`], or two have one name.
pub fn plan(
    previous: Option<&Assignment>,
    members: &[Member],
    loads: &BucketLoads,
    options: &Options<'_>,
) -> Result<Plan, PlanError> {
    let members = in_order(members)?;
    let mut draft = Draft::new(&members, previous, loads, options);
    let newcomers = draft.newcomers(previous, &members);
    settle::settle(&mut draft);
    join::join(&mut draft, &newcomers);
    if options.rebalance {
        rebalance::rebalance(&mut draft);
    }
    let owners = draft.into_owners();
    let assignment = Assignment::new(members, owners)?;
    let moved = previous.map_or_else(Vec::new, |previous| {
        Bucket::all()
            .filter(|bucket| previous.owner(*bucket).shard != assignment.owner(*bucket).shard)
            .collect()
    });
    Ok(Plan { assignment, moved })
}

/// Puts the members into the one order that a table has, and checks them.
fn in_order(members: &[Member]) -> Result<Vec<Member>, PlanError> {
    if members.iter().all(|member| member.draining) {
        return Err(PlanError::NoServingMember { members: members.len() });
    }
    if members.len() > MAX_MEMBERS {
        return Err(AssignmentError::TooManyMembers(members.len()).into());
    }
    let mut members = members.to_vec();
    for member in &mut members {
        member.weight = member.weight.clamp(1, MAX_WEIGHT);
    }
    members.sort_unstable_by(|one, other| one.shard.cmp(&other.shard));
    match members.windows(2).find(|pair| pair[0].shard == pair[1].shard) {
        Some(pair) => Err(AssignmentError::Order(pair[1].shard.clone()).into()),
        None => Ok(members),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use protocol::Shard;

    use super::*;
    use crate::member::ORDINARY_WEIGHT;

    fn member(name: &str) -> Member {
        let shard = Shard::new(name).unwrap();
        Member {
            url: format!("ws://{shard}"),
            shard,
            weight: ORDINARY_WEIGHT,
            operator_url: None,
            draining: false,
        }
    }

    #[test]
    fn nobody_to_own_anything_is_an_error() {
        let loads = BucketLoads::uniform();
        let draining = Member { draining: true, ..member("a") };
        for members in [vec![], vec![draining]] {
            let expected = PlanError::NoServingMember { members: members.len() };
            assert_eq!(plan(None, &members, &loads, &Options::default()), Err(expected));
        }
    }

    #[test]
    fn two_members_of_one_name_are_an_error() {
        let found = plan(None, &[member("a"), member("a")], &BucketLoads::uniform(), &Options::default());
        assert_eq!(found, Err(PlanError::Members(AssignmentError::Order(member("a").shard))));
    }

    #[test]
    fn one_member_owns_everything() {
        let plan = plan(None, &[member("a")], &BucketLoads::uniform(), &Options::default()).unwrap();
        assert_eq!(plan.assignment.buckets_of(&member("a").shard).count(), 4096);
        assert_eq!(plan.moved, []);
    }

    #[test]
    fn first_plan_follows_the_ring_where_load_allows() {
        let members: Vec<_> = (0..5).map(|number| member(&format!("chat-{number}"))).collect();
        let plan = plan(None, &members, &BucketLoads::uniform(), &Options::default()).unwrap();
        let ring = crate::assignment::ring_of(plan.assignment.members());
        let preferred = Bucket::all()
            .filter(|bucket| ring.owner(*bucket) == Some(plan.assignment.owner_index(*bucket)))
            .count();
        assert!(preferred > 4096 * 85 / 100, "{preferred} of 4096");
    }
}
