//! Entries of many partitions as one list, in order of their names.

use std::collections::VecDeque;

use protocol::Username;

/// A partition's entries, as far as they were read.
struct Stream<T> {
    entries: VecDeque<(Username, T)>,
    /// The name after which to read on.
    after: Option<Username>,
    /// Whether there may be more than what was read.
    has_more: bool,
}

/// Puts partitions together that are sorted each, reading of each no more than is needed.
pub(crate) struct Merge<T>(Vec<Stream<T>>);

impl<T> Merge<T> {
    /// Begins with partitions of which nothing was read, after a name.
    pub(crate) fn new(partitions: u16, after: Option<&Username>) -> Self {
        let stream = |_| Stream { entries: VecDeque::new(), after: after.cloned(), has_more: true };
        Self((0..partitions).map(stream).collect())
    }

    /// Gives the partitions that have to be read before the next entry is known, each with the name after which to read on.
    pub(crate) fn hungry(&self) -> Vec<(u16, Option<Username>)> {
        let streams = (0_u16..).zip(&self.0);
        let hungry = streams.filter(|(_, stream)| stream.entries.is_empty() && stream.has_more);
        hungry.map(|(partition, stream)| (partition, stream.after.clone())).collect()
    }

    /// Takes what was read of a partition, and the name up to which that is all there is (`None`: up to the end).
    pub(crate) fn feed(&mut self, partition: u16, entries: Vec<(Username, T)>, until: Option<Username>) {
        if let Some(stream) = self.0.get_mut(usize::from(partition)) {
            *stream = Stream { entries: entries.into(), has_more: until.is_some(), after: until };
        }
    }

    /// Takes the first entry off, if nothing is hungry.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let filled = self.0.iter_mut().filter(|stream| !stream.entries.is_empty());
        let first = filled.min_by(|one, other| one.front().cmp(&other.front()))?;
        first.entries.pop_front().map(|(_, entry)| entry)
    }
}

impl<T> Stream<T> {
    fn front(&self) -> Option<&Username> {
        self.entries.front().map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_comes_once_and_in_order(
            partitions in proptest::collection::vec(proptest::collection::btree_set("[a-c]{3}", 0..12), 1..5),
            chunk in 1..4_usize,
            after in proptest::option::of("[a-c]{3}"),
        ) {
            let name = |name: &String| Username::new(name).unwrap();
            let after = after.as_ref().map(name);
            let partitions: Vec<BTreeSet<Username>> =
                partitions.iter().map(|names| names.iter().map(name).collect()).collect();
            let later = |start: &Option<Username>, name: &Username| start.as_ref().is_none_or(|start| name > start);

            let mut merge = Merge::new(u16::try_from(partitions.len()).unwrap(), after.as_ref());
            let mut merged = Vec::new();
            loop {
                let hungry = merge.hungry();
                for (partition, after) in &hungry {
                    let names = partitions[usize::from(*partition)].iter().filter(|name| later(after, name));
                    let read: Vec<_> = names.take(chunk).map(|name| (name.clone(), name.clone())).collect();
                    let until = (read.len() == chunk).then(|| read[chunk - 1].0.clone());
                    merge.feed(*partition, read, until);
                }
                if hungry.is_empty() {
                    match merge.pop() {
                        Some(name) => merged.push(name),
                        None => break,
                    }
                }
            }
            let mut expected: Vec<_> = partitions.into_iter().flatten().filter(|name| later(&after, name)).collect();
            expected.sort();
            prop_assert_eq!(merged, expected);
        }
    }
}
