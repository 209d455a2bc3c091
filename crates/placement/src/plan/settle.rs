//! Finds owners for the buckets that have none.

use crate::bucket::Bucket;
use crate::member::MemberIndex;
use crate::plan::draft::Draft;

/// Gives every bucket without an owner to a serving shard, the heaviest first.
///
/// Invariant: it moves nothing else. A bucket goes to the first of these that holds:
///
/// 1. its home, up to the trigger;
/// 2. the first on the ring that stays within the target;
/// 3. the first on the ring that stays within the trigger;
/// 4. whoever is least full with it: then the bucket alone is too heavy for the room that is left.
pub(super) fn settle(draft: &mut Draft<'_>) {
    for bucket in draft.heaviest_of(None) {
        if let Some(owner) = place(draft, bucket) {
            draft.assign(bucket, owner);
        }
    }
}

/// Chooses the owner; `None` only if no shard is serving.
fn place(draft: &Draft<'_>, bucket: Bucket) -> Option<MemberIndex> {
    let options = draft.options;
    let first_within = |percent| draft.ring.walk(bucket).find(|shard| draft.fits(bucket, *shard, percent));
    draft
        .home(bucket)
        .filter(|home| draft.fits(bucket, *home, options.trigger))
        .or_else(|| first_within(options.target))
        .or_else(|| first_within(options.trigger))
        .or_else(|| {
            let load = draft.load_of(bucket);
            draft.ring.walk(bucket).min_by(|one, other| draft.compare_with(*one, *other, load))
        })
}
