//! When something was wrong.

use std::collections::BTreeMap;

use crate::history::{Happened, Moment};

/// When something was wrong: times that do not overlap, in order.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    all: Vec<(u64, u64)>,
    /// Without those that were over at once, such as a connection that breaks; with the losses of the store.
    lasting: Vec<(u64, u64)>,
}

impl Troubles {
    pub(super) fn read(moments: &[Moment]) -> Self {
        let mut open: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let (mut times, mut losses) = (Vec::new(), Vec::new());
        for moment in moments {
            match &moment.what {
                Happened::LostTail { .. } => losses.push((moment.at, moment.at)),
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
        losses.extend(times.iter().filter(|(from, until)| from < until));
        Self { all: merged(times), lasting: merged(losses) }
    }

    /// Gives since when nothing was wrong at a time: that time itself if something was.
    pub(crate) fn calm_since(&self, time: u64) -> u64 {
        end_before(&self.all, time)
    }

    /// Gives the same, where it is no matter that connections break.
    pub(crate) fn steady_since(&self, time: u64) -> u64 {
        end_before(&self.lasting, time)
    }

    /// Gives when something that began at `from` must have had its effect: after `within`, or, if something was wrong before that, so
    /// long after it was mended as `after_trouble` says.
    pub(crate) fn due(&self, from: u64, within: u64, after_trouble: u64) -> u64 {
        let mut due = from + within;
        for (begin, end) in &self.all {
            if *begin > due {
                break;
            }
            due = due.max(end + after_trouble);
        }
        due
    }
}

/// Gives when the last trouble before a time was over.
fn end_before(troubles: &[(u64, u64)], time: u64) -> u64 {
    let begun = troubles.partition_point(|(from, _)| *from <= time);
    let last = begun.checked_sub(1).and_then(|last| troubles.get(last));
    last.map_or(0, |(_, until)| *until).min(time)
}

/// Puts times in order, and together where they overlap.
fn merged(mut times: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    times.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (from, until) in times {
        match merged.last_mut().filter(|last| from <= last.1) {
            Some(last) => last.1 = until.max(last.1),
            None => merged.push((from, until)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stops_the_clock() {
        let name = || "fault".to_owned();
        let mut moments = Vec::new();
        for (from, until) in [(10, 20), (15, 30), (40, 50), (100, 100)] {
            moments.push(Moment { at: from, what: Happened::Fault(name()) });
            moments.push(Moment { at: until, what: Happened::Healed(name()) });
        }
        moments.push(Moment { at: 110, what: Happened::LostTail { lost: Vec::new() } });
        moments.sort_by_key(|moment| moment.at);
        let troubles = Troubles::read(&moments);
        assert_eq!(troubles.all, [(10, 30), (40, 50), (100, 100)]);
        assert_eq!(troubles.lasting, [(10, 30), (40, 50), (110, 110)]);
        assert_eq!([5, 20, 35, 45, 60].map(|time| troubles.calm_since(time)), [0, 20, 30, 45, 50]);
        assert_eq!([105, 115].map(|time| troubles.steady_since(time)), [50, 110]);
        assert_eq!(troubles.due(0, 5, 5), 5);
        assert_eq!(troubles.due(20, 5, 5), 35);
        // The second one began before the effect of the first one was over.
        assert_eq!(troubles.due(20, 5, 12), 62);
        assert_eq!(troubles.due(60, 50, 5), 110);
        assert_eq!(troubles.due(60, 50, 20), 120);
    }
}
