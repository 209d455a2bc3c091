//! Fills the shards that have just joined.

use crate::bucket::Bucket;
use crate::member::MemberIndex;
use crate::plan::draft::Draft;

/// Gives each newcomer what it had before the rollout, then fills it up to its share.
///
/// Invariants: only newcomers receive; beyond what comes home, a newcomer ends with at most the target, in
/// load and in number of buckets, so a fourth shard beside three receives at most 26.25 % of the buckets.
pub(super) fn join(draft: &mut Draft<'_>, newcomers: &[MemberIndex]) {
    for newcomer in newcomers {
        bring_home(draft, *newcomer);
    }
    for newcomer in newcomers {
        fill(draft, *newcomer, newcomers);
    }
}

/// Moves the buckets whose home is the newcomer, as long as they fit, or it is less full with them than those
/// who have them now.
fn bring_home(draft: &mut Draft<'_>, newcomer: MemberIndex) {
    let trigger = draft.options.trigger;
    for bucket in Bucket::all().filter(|bucket| draft.home(*bucket) == Some(newcomer)).collect::<Vec<_>>() {
        let Some(owner) = draft.owner(bucket).filter(|owner| *owner != newcomer) else { continue };
        if draft.fits(bucket, newcomer, trigger) || draft.improves(bucket, owner, newcomer) {
            draft.assign(bucket, newcomer);
        }
    }
}

/// Takes buckets from the busiest of the others, one by one, until the newcomer has its share.
///
/// It goes on past the share, up to the target, as long as somebody is over the trigger.
fn fill(draft: &mut Draft<'_>, newcomer: MemberIndex, newcomers: &[MemberIndex]) {
    let options = draft.options;
    let mut donors: Vec<_> = draft
        .serving()
        .filter(|shard| !newcomers.contains(shard))
        .map(|shard| (shard, offers(draft, shard, newcomer).into_iter()))
        .collect();
    while draft.buckets(newcomer) < draft.bucket_capacity(newcomer, options.target) {
        let busiest = donors
            .iter_mut()
            .filter(|(donor, _)| draft.load(*donor) > draft.capacity(*donor, 100))
            .max_by(|(one, _), (other, _)| draft.compare_with(*one, *other, 0).then(other.cmp(one)));
        let Some((donor, offers)) = busiest else { return };
        let has_share = draft.load(newcomer) >= draft.capacity(newcomer, 100);
        if has_share && draft.load(*donor) <= draft.capacity(*donor, options.trigger) {
            return;
        }
        // A bucket that is too much now stays too much: the newcomer only grows and the donor only shrinks.
        let taken = offers.find(|bucket| {
            draft.fits(*bucket, newcomer, options.target) && draft.improves(*bucket, *donor, newcomer)
        });
        match taken {
            Some(bucket) => draft.assign(bucket, newcomer),
            None => {
                let exhausted = *donor;
                donors.retain(|(donor, _)| *donor != exhausted);
            }
        }
    }
}

/// Gives the buckets of the donor in the order in which the newcomer takes them: those that prefer the newcomer
/// on the ring before those that do not, and the heavier first, since they are the fewer.
///
/// A newcomer that was there before the rollout has what was its own by now, and leaves to the others what is
/// theirs: else every shard that comes back would move the users of those that came back before it.
fn offers(draft: &Draft<'_>, donor: MemberIndex, newcomer: MemberIndex) -> Vec<Bucket> {
    let mut buckets = draft.heaviest_of(Some(donor));
    if draft.is_home_of_any(newcomer) {
        buckets.retain(|bucket| draft.home(*bucket) != Some(donor));
    }
    buckets.sort_by_key(|bucket| draft.ring.owner(*bucket) != Some(newcomer));
    buckets
}
