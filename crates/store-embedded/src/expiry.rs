//! Forgetting what has expired, a little with each write.

use ports::Result;
use protocol::Timestamp;

use crate::engine::Direction;
use crate::keys::Table;
use crate::packing::Parts;
use crate::writer::WriteContext;

/// How many records one write forgets at most: more than it adds, so that a backlog shrinks.
const FORGOTTEN_AT_ONCE: usize = 16;

/// Deletes some keys with a time before `now` from a table whose keys begin with one, and gives what followed the time in each.
pub(crate) fn forget_before(
    context: &mut WriteContext<'_>,
    table: Table,
    now: Timestamp,
) -> Result<Vec<Vec<u8>>> {
    let range = table.key().range().ending_before(table.key().number(now.0).bytes());
    let expired = context.view().read(&range, Direction::Forward, FORGOTTEN_AT_ONCE, |key, _| {
        let mut parts = Parts::of(key);
        parts.byte()?;
        parts.number()?;
        Ok((key.to_vec(), parts.rest().to_vec()))
    })?;
    let mut names = Vec::with_capacity(expired.len());
    for (key, name) in expired {
        context.delete(key);
        names.push(name);
    }
    Ok(names)
}
