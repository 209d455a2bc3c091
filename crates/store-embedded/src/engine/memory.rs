//! The engine in memory, for tests.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use parking_lot::{RwLock, RwLockReadGuard};
use ports::Result;

use super::{Changes, Direction, Engine, View, Visitor};
use crate::keys::KeyRange;

/// A map in memory.
#[derive(Default)]
pub(crate) struct Memory {
    map: RwLock<BTreeMap<Vec<u8>, Bytes>>,
}

impl Engine for Memory {
    fn snapshot(&self) -> Box<dyn View + '_> {
        Box::new(self.map.read())
    }

    fn commit(&self, changes: Changes, _sync: bool) -> Result<()> {
        let mut map = self.map.write();
        for (key, value) in changes {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        Ok(())
    }
}

impl View for RwLockReadGuard<'_, BTreeMap<Vec<u8>, Bytes>> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(BTreeMap::get(self, key).cloned())
    }

    fn visit(&self, range: &KeyRange, direction: Direction, visitor: Visitor<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let bounds = (Bound::Included(range.from.as_slice()), Bound::Excluded(range.to.as_slice()));
        let mut pairs = self.range::<[u8], _>(bounds);
        let mut next = || match direction {
            Direction::Forward => pairs.next(),
            Direction::Backward => pairs.next_back(),
        };
        while let Some((key, value)) = next() {
            if visitor(key, value)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}
