//! How the store was in the last seconds, so that a part of it can come back as it was.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::data::Data;

/// How far back it is known.
const KEPT: Duration = Duration::from_secs(10);
/// What is changed within this time is kept or lost together.
const GRAIN: Duration = Duration::from_millis(250);

/// The past.
#[derive(Debug, Default)]
pub(super) struct Past(VecDeque<Stretch>);

/// A stretch of time in which nothing was changed.
#[derive(Debug)]
struct Stretch {
    since: Instant,
    until: Instant,
    data: Data,
}

impl Past {
    /// Takes note of data that have been so since `since` and are to be changed now; passes it over if it did so a moment ago.
    pub(super) fn note(&mut self, data: &Data, since: Instant, now: Instant) {
        if self.0.back().is_none_or(|last| now.duration_since(last.until) >= GRAIN) {
            self.keep(data, since, now);
        }
    }

    /// Takes note of data in any case.
    fn keep(&mut self, data: &Data, since: Instant, now: Instant) {
        self.0.push_back(Stretch { since, until: now, data: data.clone() });
        while self.0.get(1).is_some_and(|second| now.duration_since(second.since) >= KEPT) {
            self.0.pop_front();
        }
    }

    /// Lets a partition be as it was at `moment`, now and in all that is known since: as if nothing had been changed in it after that.
    pub(super) fn lose(
        &mut self,
        data: &mut Data,
        since: Instant,
        partition: usize,
        moment: Option<Instant>,
    ) {
        // The other partitions have this moment in their past.
        self.keep(data, since, Instant::now());
        let later = self.0.iter().position(|stretch| moment.is_none_or(|moment| stretch.since > moment));
        let index = later.map_or(self.0.len() - 1, |later| later.saturating_sub(1));
        let Some(then) = self.0.get(index).map(|stretch| stretch.data.clone()) else { return };
        for later in self.0.iter_mut().skip(index + 1) {
            later.data.restore(partition, &then);
        }
        data.restore(partition, &then);
    }

    /// Forgets everything: how it is now was always so.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
