//! The writes of a batch before they are committed: each command sees those before it, and one that fails leaves none.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use ports::Result;

use crate::engine::{Changes, Direction, View, Visitor};
use crate::keys::KeyRange;

/// What the commands of a batch have written so far, over what is committed.
pub(crate) struct Transaction<'a> {
    committed: &'a dyn View,
    changes: Changes,
    /// What the running command has replaced in `changes`, in the order in which it did.
    replaced: Vec<(Vec<u8>, Option<Option<Bytes>>)>,
}

impl<'a> Transaction<'a> {
    /// Begins with no writes.
    pub(crate) fn new(committed: &'a dyn View) -> Self {
        Self { committed, changes: Changes::new(), replaced: Vec::new() }
    }

    /// Writes a value.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: impl Into<Bytes>) {
        self.change(key, Some(value.into()));
    }

    /// Deletes a value.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.change(key, None);
    }

    /// Begins a command: what was written so far stays.
    pub(crate) fn begin(&mut self) {
        self.replaced.clear();
    }

    /// Takes back what was written since [`Transaction::begin`].
    pub(crate) fn roll_back(&mut self) {
        for (key, before) in self.replaced.drain(..).rev() {
            match before {
                Some(before) => self.changes.insert(key, before),
                None => self.changes.remove(&key),
            };
        }
    }

    /// Gives all writes.
    pub(crate) fn into_changes(self) -> Changes {
        self.changes
    }

    fn change(&mut self, key: Vec<u8>, value: Option<Bytes>) {
        let before = self.changes.insert(key.clone(), value);
        self.replaced.push((key, before));
    }
}

impl View for Transaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.committed.get(key),
        }
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visitor: Visitor<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let bounds = (Bound::Included(range.from.as_slice()), Bound::Excluded(range.to.as_slice()));
        let mut changes = self.changes.range::<[u8], _>(bounds);
        let mut next_change = || match direction {
            Direction::Forward => changes.next(),
            Direction::Backward => changes.next_back(),
        };
        let mut change = next_change();
        let mut broken_off = false;
        self.committed.visit(range, direction, &mut |key, value| {
            // The changes that come before this key, and the one that replaces it.
            while let Some((changed, new_value)) = change {
                let order = match direction {
                    Direction::Forward => changed.as_slice().cmp(key),
                    Direction::Backward => key.cmp(changed.as_slice()),
                };
                if order == Ordering::Greater {
                    break;
                }
                change = next_change();
                if let Some(new_value) = new_value
                    && visitor(changed, new_value)?.is_break()
                {
                    broken_off = true;
                    return Ok(ControlFlow::Break(()));
                }
                if order == Ordering::Equal {
                    return Ok(ControlFlow::Continue(()));
                }
            }
            let flow = visitor(key, value)?;
            broken_off = flow.is_break();
            Ok(flow)
        })?;
        while !broken_off && let Some((changed, new_value)) = change {
            change = next_change();
            if let Some(new_value) = new_value {
                broken_off = visitor(changed, new_value)?.is_break();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use proptest::prelude::*;

    use super::*;
    use crate::engine::{Engine, Memory};

    fn everything(view: &dyn View, direction: Direction, limit: usize) -> Vec<(u8, u8)> {
        let range = KeyRange { from: vec![0], to: vec![u8::MAX] };
        view.read(&range, direction, limit, |key, value| Ok((key[0], value[0]))).unwrap()
    }

    fn apply(transaction: &mut Transaction<'_>, changes: &[(u8, Option<u8>)]) {
        for (key, value) in changes {
            match value {
                Some(value) => transaction.put(vec![*key], vec![*value]),
                None => transaction.delete(vec![*key]),
            }
        }
    }

    fn change() -> impl Strategy<Value = (u8, Option<u8>)> {
        (0..12_u8, proptest::option::of(0..9_u8))
    }

    proptest! {
        #[test]
        fn it_reads_as_if_the_writes_were_committed(
            committed in proptest::collection::vec(change(), 0..12),
            kept in proptest::collection::vec(change(), 0..12),
            undone in proptest::collection::vec(change(), 0..12),
            limit in 1..12_usize,
        ) {
            let engine = Memory::default();
            let empty = Memory::default();
            let nothing = empty.snapshot();
            let mut first = Transaction::new(&*nothing);
            apply(&mut first, &committed);
            engine.commit(first.into_changes(), true).unwrap();

            let snapshot = engine.snapshot();
            let mut transaction = Transaction::new(&*snapshot);
            apply(&mut transaction, &kept);
            transaction.begin();
            apply(&mut transaction, &undone);
            transaction.roll_back();

            let forward = everything(&transaction, Direction::Forward, limit);
            let backward = everything(&transaction, Direction::Backward, limit);
            let one = transaction.get(&[3]).unwrap();
            let changes = transaction.into_changes();
            drop(snapshot);
            engine.commit(changes, true).unwrap();
            let after = engine.snapshot();
            prop_assert_eq!(forward, everything(&*after, Direction::Forward, limit));
            prop_assert_eq!(backward, everything(&*after, Direction::Backward, limit));
            prop_assert_eq!(one, after.get(&[3]).unwrap());
        }
    }
}
