//! When something was wrong.

use std::collections::BTreeMap;

use crate::history::{Happened, Moment};

/// When something was wrong: times that do not overlap, in order.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Vec<(u64, u64)>);

impl Troubles {
    pub(super) fn read(moments: &[Moment]) -> Self {
        let mut open: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut times = Vec::new();
        for moment in moments {
            match &moment.what {
                Happened::Fault(name) => open.entry(name).or_default().push(moment.at),
                Happened::Healed(name) => {
                    let from = open.get_mut(name.as_str()).and_then(Vec::pop);
                    times.extend(from.map(|from| (from, moment.at)));
                }
                Happened::Quiet | Happened::End => {
                    let from = std::mem::take(&mut open).into_values().flatten();
                    times.extend(from.map(|from| (from, moment.at)));
                }
                _ => {}
            }
        }
        let last = moments.last().map_or(0, |moment| moment.at);
        times.extend(open.into_values().flatten().map(|from| (from, last)));
        Self::merged(times)
    }

    /// Gives since when nothing was wrong at a time: that time itself if something was.
    pub(crate) fn calm_since(&self, time: u64) -> u64 {
        let begun = self.0.partition_point(|(from, _)| *from <= time);
        let last = begun.checked_sub(1).and_then(|last| self.0.get(last));
        last.map_or(0, |(_, until)| *until).min(time)
    }

    /// Gives when something that began at `from` must have had its effect: after `within`, or, if something was wrong before that, so
    /// long after it was mended as `after_trouble` says.
    pub(crate) fn due(&self, from: u64, within: u64, after_trouble: u64) -> u64 {
        let mut due = from + within;
        for (begin, end) in &self.0 {
            if *begin > due {
                break;
            }
            due = due.max(end + after_trouble);
        }
        due
    }

    fn merged(mut times: Vec<(u64, u64)>) -> Self {
        times.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (from, until) in times {
            match merged.last_mut().filter(|last| from <= last.1) {
                Some(last) => last.1 = until.max(last.1),
                None => merged.push((from, until)),
            }
        }
        Self(merged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stops_the_clock() {
        let troubles = Troubles::merged(vec![(40, 50), (10, 20), (15, 30), (100, 100)]);
        assert_eq!(troubles.0, [(10, 30), (40, 50), (100, 100)]);
        assert_eq!([5, 20, 35, 45, 60].map(|time| troubles.calm_since(time)), [0, 20, 30, 45, 50]);
        assert_eq!(troubles.due(0, 5, 5), 5);
        assert_eq!(troubles.due(20, 5, 5), 35);
        // The second one began before the effect of the first one was over.
        assert_eq!(troubles.due(20, 5, 12), 62);
        assert_eq!(troubles.due(60, 50, 5), 110);
        assert_eq!(troubles.due(60, 50, 20), 120);
    }
}
