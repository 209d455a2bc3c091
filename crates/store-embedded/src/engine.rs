//! An ordered map of bytes to bytes: what the store is written over, once, with an engine on the disk and one in memory.

mod disk;
mod memory;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use ports::Result;

pub(crate) use self::disk::Disk;
pub(crate) use self::memory::Memory;
use crate::keys::KeyRange;

/// Which way a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the smallest key on.
    Forward,
    /// From the largest key on.
    Backward,
}

/// What is called with each key and value of a range until it breaks off or fails.
pub(crate) type Visitor<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>>;

/// The values to be written under keys; `None` deletes one.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// Something to read from.
pub(crate) trait View {
    /// Gives the value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>>;

    /// Calls `visitor` with the pairs of a range in order.
    fn visit(&self, range: &KeyRange, direction: Direction, visitor: Visitor<'_>) -> Result<()>;
}

/// Keeps the map. There is one writer, and any number of readers.
pub(crate) trait Engine: Send + Sync {
    /// Gives what is committed now, which does not change while it is read. Held briefly: the writer may have to wait.
    fn snapshot(&self) -> Box<dyn View + '_>;

    /// Writes all changes or none. With `sync` they are on the disk when it returns, and nobody sees them earlier.
    fn commit(&self, changes: Changes, sync: bool) -> Result<()>;
}

impl dyn View + '_ {
    /// Says whether a key is there.
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool> {
        Ok(self.get(key)?.is_some())
    }

    /// Gives what `read` makes of at most `limit` pairs of a range.
    pub(crate) fn read<T>(
        &self,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
        mut read: impl FnMut(&[u8], &[u8]) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.visit(range, direction, &mut |key, value| {
            found.push(read(key, value)?);
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    /// Gives what `read` makes of all pairs of a range.
    pub(crate) fn read_all<T>(
        &self,
        range: &KeyRange,
        read: impl FnMut(&[u8], &[u8]) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.read(range, Direction::Forward, usize::MAX, read)
    }

    /// Gives at most `limit` keys of a range.
    pub(crate) fn keys(&self, range: &KeyRange, limit: usize) -> Result<Vec<Vec<u8>>> {
        self.read(range, Direction::Forward, limit, |key, _| Ok(key.to_vec()))
    }
}
