//! Ordered maps whose copies cost nothing until one of them changes.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// A map. A copy shares everything with the original; a change copies the keys and the one value, and only if a copy shares them.
#[derive(Clone, Debug)]
pub(super) struct Map<K, V>(Arc<BTreeMap<K, Arc<V>>>);

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// Gives a value.
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(|value| &**value)
    }

    /// Says whether there is a value.
    pub(super) fn has<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Gives everything in order of the keys.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, &**value))
    }

    /// Gives what comes after a key, in order.
    pub(super) fn after<'a>(
        &'a self,
        key: &K,
    ) -> impl DoubleEndedIterator<Item = (&'a K, &'a V)> + use<'a, K, V> {
        let range = self.0.range((Bound::Excluded(key), Bound::Unbounded));
        range.map(|(key, value)| (key, &**value))
    }

    /// Gives a value to be changed.
    pub(super) fn edit<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        Arc::make_mut(&mut self.0).get_mut(key).map(Arc::make_mut)
    }

    /// Gives a value to be changed, and makes it if there is none.
    pub(super) fn edit_or_make(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        Arc::make_mut(Arc::make_mut(&mut self.0).entry(key.clone()).or_default())
    }

    /// Puts a value in the place of what there was.
    pub(super) fn put(&mut self, key: K, value: V) {
        Arc::make_mut(&mut self.0).insert(key, Arc::new(value));
    }

    /// Takes a value away.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        Arc::make_mut(&mut self.0).remove(key);
    }

    /// Lets those entries that `wanted` names be as they were in another map: there, or not.
    pub(super) fn restore(&mut self, then: &Self, wanted: impl Fn(&K, &V) -> bool) {
        if Arc::ptr_eq(&self.0, &then.0) {
            return;
        }
        let now = Arc::make_mut(&mut self.0);
        now.retain(|key, value| !wanted(key, value));
        let restored = then.0.iter().filter(|(key, value)| wanted(key, value));
        now.extend(restored.map(|(key, value)| (key.clone(), value.clone())));
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_change_with_the_original() {
        let mut map = Map::default();
        map.put(1, "one");
        map.put(2, "two");
        let copy = map.clone();
        *map.edit_or_make(&1) = "another";
        *map.edit_or_make(&3) = "three";
        map.remove(&2);
        assert_eq!(copy.iter().collect::<Vec<_>>(), [(&1, &"one"), (&2, &"two")]);
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&1, &"another"), (&3, &"three")]);
        assert_eq!(map.after(&1).collect::<Vec<_>>(), [(&3, &"three")]);
    }

    #[test]
    fn what_is_restored_is_as_it_was_and_nothing_else() {
        let mut map = Map::default();
        for key in 1..=4 {
            map.put(key, "then");
        }
        let then = map.clone();
        for key in [1, 2, 5, 6] {
            map.put(key, "now");
        }
        map.remove(&3);
        map.remove(&4);
        map.restore(&then, |key, _| key % 2 == 0);
        let expected = [(&1, &"now"), (&2, &"then"), (&4, &"then"), (&5, &"now")];
        assert_eq!(map.iter().collect::<Vec<_>>(), expected);
    }
}
