//! The newest entries of an inbox, in memory.

use std::collections::VecDeque;

use bytes::Bytes;
use ports::Batch;

/// How many entries are kept.
const ENTRIES: usize = 16_384;

/// How many bytes of entries are kept.
const BYTES: usize = 32 * 1024 * 1024;

/// The newest entries of an inbox. Cursors count the entries that have come.
#[derive(Default)]
pub(super) struct Ring {
    entries: VecDeque<Bytes>,
    bytes: usize,
    /// How many entries have gone: the cursor before the first that is left.
    gone: u64,
}

impl Ring {
    /// Adds entries; the oldest go if there are too many.
    pub(super) fn push(&mut self, entries: impl Iterator<Item = Bytes>) {
        for entry in entries {
            self.bytes += entry.len();
            self.entries.push_back(entry);
            while self.entries.len() > ENTRIES || self.bytes > BYTES {
                self.bytes -= self.entries.pop_front().map_or(0, |entry| entry.len());
                self.gone += 1;
            }
        }
    }

    /// Gives the cursor after the last entry.
    pub(super) fn end(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }

    /// Gives entries after a cursor, from the oldest that is left on; a cursor beyond the end is of an earlier run and counts as the end.
    pub(super) fn after(&self, cursor: u64, limit: usize) -> Option<Batch> {
        let skipped = usize::try_from(cursor.clamp(self.gone, self.end()) - self.gone).ok()?;
        let entries: Vec<Bytes> = self.entries.iter().skip(skipped).take(limit).cloned().collect();
        if entries.is_empty() {
            return None;
        }
        let cursor = self.gone + (skipped + entries.len()) as u64;
        Some(Batch { entries, cursor })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    fn entries(count: usize) -> impl Iterator<Item = Bytes> {
        std::iter::repeat_n(Bytes::from_static(b"x"), count)
    }

    #[test]
    fn a_ring_is_bounded_by_entries_and_by_bytes() {
        let mut ring = Ring::default();
        ring.push(entries(ENTRIES + 3));
        assert_eq!((ring.gone, ring.entries.len(), ring.bytes), (3, ENTRIES, ENTRIES));
        ring.push(std::iter::once(Bytes::from(vec![0; BYTES])));
        assert_eq!((ring.entries.len(), ring.bytes), (1, BYTES));
        assert_eq!(ring.end(), ENTRIES as u64 + 4);
    }

    #[test]
    fn entries_come_after_the_cursor() {
        let mut ring = Ring::default();
        assert_eq!(ring.after(0, 10), None);
        ring.push(entries(5));
        assert_eq!(ring.after(2, 2).unwrap().cursor, 4);
        assert_eq!(ring.after(4, 2).unwrap().entries.len(), 1);
        assert_eq!(ring.after(5, 2), None);
        assert_eq!(ring.after(77, 2), None);
        ring.push(entries(ENTRIES));
        assert_eq!(ring.after(1, usize::MAX).unwrap().entries.len(), ENTRIES);
    }
}
