//! Relieves the shards that are over the trigger.

use crate::plan::draft::Draft;
use crate::shard::ShardIndex;

/// Takes buckets from every shard over the trigger until it is within the target.
///
/// Invariants: nobody who is within the trigger gives; nobody receives beyond the trigger; and a shard that is
/// over the trigger at the end holds nothing that would fit elsewhere. It ends, since each move brings two
/// shards closer together.
pub(super) fn rebalance(draft: &mut Draft<'_>) {
    loop {
        let mut overloaded: Vec<_> = draft.serving().filter(|shard| is_over(draft, *shard)).collect();
        overloaded.sort_by(|one, other| draft.compare_with(*other, *one, 0));
        let moved: usize = overloaded.into_iter().map(|shard| relieve(draft, shard)).sum();
        if moved == 0 {
            return;
        }
    }
}

/// Relieves one shard and gives the number of buckets that it gave away.
///
/// First only buckets go that are not more than what is too much, to receivers that stay within the target;
/// what these two conditions keep goes without the first, then without the second, if the shard is still over
/// the trigger.
fn relieve(draft: &mut Draft<'_>, donor: ShardIndex) -> usize {
    let options = draft.options;
    let mut moved = 0;
    for (sparing, percent) in [(true, options.target), (false, options.target), (false, options.trigger)] {
        if !is_over(draft, donor) {
            break;
        }
        let target = draft.capacity(donor, options.target);
        for bucket in draft.heaviest_of(Some(donor)) {
            let excess = draft.load(donor).saturating_sub(target);
            if excess == 0 {
                break;
            }
            if sparing && draft.load_of(bucket) > excess {
                continue;
            }
            let receiver = draft.ring.walk(bucket).find(|shard| {
                *shard != donor && draft.fits(bucket, *shard, percent) && draft.improves(bucket, donor, *shard)
            });
            if let Some(receiver) = receiver {
                draft.assign(bucket, receiver);
                moved += 1;
            }
        }
    }
    moved
}

fn is_over(draft: &Draft<'_>, shard: ShardIndex) -> bool {
    draft.load(shard) > draft.capacity(shard, draft.options.trigger)
}
