//! Relieves the shards that are over the trigger.

use crate::bucket::Bucket;
use crate::member::MemberIndex;
use crate::plan::draft::Draft;

/// Takes buckets from every shard over the trigger until it is within the target.
///
/// Invariants: while nobody is over the trigger nothing moves; a shard that is over it at the end holds nothing
/// but heavy buckets, and they fit nowhere else. (What is not heavy always finds room within the trigger: if one
/// shard is over it, another is below its share.)
pub(super) fn rebalance(draft: &mut Draft<'_>) {
    spread_heavy_buckets(draft);
    // It ends, since after each move the fuller of the two shards is less full than the fuller was before.
    while overloaded(draft).into_iter().map(|shard| relieve(draft, shard)).sum::<usize>() > 0 {}
}

/// Relieves one shard and gives the number of buckets that it gave away.
///
/// First it comes down to the target with buckets that are no heavier than what is too much; if it is still
/// over the trigger, with any buckets; and then only down to the trigger, its receivers going as far.
fn relieve(draft: &mut Draft<'_>, donor: MemberIndex) -> usize {
    let options = draft.options;
    let mut moved = 0;
    for (sparing, percent) in [(true, options.target), (false, options.target), (false, options.trigger)] {
        if !is_over(draft, donor) {
            break;
        }
        let goal = draft.capacity(donor, percent);
        for bucket in draft.heaviest_of(Some(donor)) {
            let excess = draft.load(donor).saturating_sub(goal);
            if excess == 0 {
                break;
            }
            if sparing && draft.load_of(bucket) > excess {
                continue;
            }
            let receiver = draft.ring.walk(bucket).find(|shard| {
                *shard != donor
                    && draft.fits(bucket, *shard, percent)
                    && draft.improves(bucket, donor, *shard)
            });
            if let Some(receiver) = receiver {
                draft.assign(bucket, receiver);
                moved += 1;
            }
        }
    }
    moved
}

/// Parts heavy buckets that are too much for the shard that has them all.
///
/// A heavy bucket may find no room anywhere although there is enough in small pieces. So here it is weighed
/// against the receiver's heavy buckets only; the light ones then make way.
fn spread_heavy_buckets(draft: &mut Draft<'_>) {
    let options = draft.options;
    let slack = options.trigger - 100;
    let light = draft.serving().map(|shard| draft.capacity(shard, slack)).min().unwrap_or(0);
    for donor in overloaded(draft) {
        let mut heavy = heavy_buckets(draft, donor, light);
        while heavy.len() > 1 && sum(draft, &heavy) > draft.capacity(donor, options.trigger) {
            let Some(lightest) = heavy.pop() else { return };
            let has_room = |shard: &MemberIndex, percent| {
                let others = sum(draft, &heavy_buckets(draft, *shard, light));
                *shard != donor && others + draft.load_of(lightest) <= draft.capacity(*shard, percent)
            };
            let least_full = |percent| {
                let rooms = draft.ring.walk(lightest).filter(|shard| has_room(shard, percent));
                rooms.min_by(|one, other| draft.compare_with(*one, *other, 0))
            };
            if let Some(receiver) = least_full(options.target).or_else(|| least_full(options.trigger)) {
                draft.assign(lightest, receiver);
            }
        }
    }
}

/// Gives the buckets of a shard that are not light, heaviest first.
fn heavy_buckets(draft: &Draft<'_>, shard: MemberIndex, light: u128) -> Vec<Bucket> {
    let mut buckets = draft.heaviest_of(Some(shard));
    buckets.retain(|bucket| draft.load_of(*bucket) > light);
    buckets
}

fn sum(draft: &Draft<'_>, buckets: &[Bucket]) -> u128 {
    buckets.iter().map(|bucket| draft.load_of(*bucket)).sum()
}

/// Gives the shards over the trigger, the fullest first.
fn overloaded(draft: &Draft<'_>) -> Vec<MemberIndex> {
    let mut overloaded: Vec<_> = draft.serving().filter(|shard| is_over(draft, *shard)).collect();
    overloaded.sort_by(|one, other| draft.compare_with(*other, *one, 0));
    overloaded
}

fn is_over(draft: &Draft<'_>, shard: MemberIndex) -> bool {
    draft.load(shard) > draft.capacity(shard, draft.options.trigger)
}
