//! What is known of the load of each bucket.

use std::time::Duration;

use placement::{Assignment, BUCKETS, Bucket, BucketLoads};

use crate::report::LoadReport;

/// The greatest weight that is believed, so that one bad number cannot hide all others.
const MAX_WEIGHT: f64 = 1e9;

/// The steps that a weight of 1 is divided into for the planner, which counts in whole numbers.
const STEPS: f64 = 1_000.0;

/// The smoothed load of the buckets of one service.
///
/// A bucket's weight is what its owner says: while its users move, the old owner's remaining sockets count for
/// nothing. A bucket whose owner is silent keeps its last weight, so that a dead shard's buckets are placed by
/// what they weighed.
#[derive(Debug)]
pub(crate) struct Loads {
    smoothing: Duration,
    idle: f64,
    buckets: Box<[Option<Average>]>,
}

/// An exponentially weighted moving average.
#[derive(Clone, Copy, Debug)]
struct Average {
    value: f64,
    at: Duration,
}

impl Loads {
    pub(crate) fn new(smoothing: Duration, idle: f64) -> Self {
        Self { smoothing, idle: sane(idle), buckets: vec![None; BUCKETS].into() }
    }

    /// Takes in a report; buckets that the shard does not own in `assignment` are left as they are.
    pub(crate) fn take(&mut self, report: &LoadReport, assignment: &Assignment, now: Duration) {
        for bucket in assignment.buckets_of(&report.shard) {
            let sample = report.weights.get(&bucket).copied().map_or(0.0, sane);
            let average = &mut self.buckets[bucket.index()];
            *average = Some(match average {
                Some(average) => average.with(sample, now, self.smoothing),
                None => Average { value: sample, at: now },
            });
        }
    }

    /// Gives the loads as the planner wants them.
    pub(crate) fn current(&self) -> BucketLoads {
        BucketLoads::from_fn(|bucket: Bucket| {
            let reported = self.buckets[bucket.index()].map_or(0.0, |average| average.value);
            ((self.idle + reported) * STEPS).round() as u64
        })
    }
}

impl Average {
    /// Moves towards the sample, the more the longer ago the last one was.
    fn with(self, sample: f64, now: Duration, smoothing: Duration) -> Self {
        let elapsed = now.saturating_sub(self.at).as_secs_f64();
        let keep = (-elapsed / smoothing.as_secs_f64().max(f64::MIN_POSITIVE)).exp();
        Self { value: sample + (self.value - sample) * keep, at: now }
    }
}

/// Brings a number from outside into the range of weights; what is not a number is nothing.
fn sane(weight: f64) -> f64 {
    if weight.is_nan() { 0.0 } else { weight.clamp(0.0, MAX_WEIGHT) }
}

#[cfg(test)]
mod tests {
    use placement::{Member, ORDINARY_WEIGHT, Options, plan};
    use protocol::Shard;

    use super::*;
    use protocol::Service;

    fn assignment() -> Assignment {
        let members = ["a", "b"].map(|name| {
            let shard = Shard::new(name).unwrap();
            Member { url: String::new(), shard, weight: ORDINARY_WEIGHT, operator_url: None, draining: false }
        });
        plan(None, &members, &BucketLoads::uniform(), &Options::default()).unwrap().assignment
    }

    fn report(name: &str, bucket: Bucket, weight: f64) -> LoadReport {
        let shard = Shard::new(name).unwrap();
        LoadReport { shard, service: Service::Chat, weights: [(bucket, weight)].into() }
    }

    #[test]
    fn averages_over_the_smoothing_time() {
        let assignment = assignment();
        let bucket = assignment.buckets_of(&Shard::new("a").unwrap()).next().unwrap();
        let mut loads = Loads::new(Duration::from_mins(1), 1.0);
        loads.take(&report("a", bucket, 100.0), &assignment, Duration::from_secs(5));
        assert_eq!(loads.current().of(bucket), 101_000);
        loads.take(&report("a", bucket, 0.0), &assignment, Duration::from_secs(65));
        assert_eq!(loads.current().of(bucket), 1_000 + 36_788);
        // Time that stands still changes nothing, and what is silent keeps its weight.
        loads.take(&report("a", bucket, 1e6), &assignment, Duration::from_secs(65));
        assert_eq!(loads.current().of(bucket), 1_000 + 36_788);
    }

    #[test]
    fn only_the_owner_is_believed() {
        let assignment = assignment();
        let bucket = assignment.buckets_of(&Shard::new("a").unwrap()).next().unwrap();
        let mut loads = Loads::new(Duration::from_mins(1), 1.0);
        for stranger in ["b", "c"] {
            loads.take(&report(stranger, bucket, 100.0), &assignment, Duration::ZERO);
        }
        assert_eq!(loads.current(), Loads::new(Duration::ZERO, 1.0).current());
    }

    #[test]
    fn nonsense_is_bounded() {
        let assignment = assignment();
        let bucket = assignment.buckets_of(&Shard::new("a").unwrap()).next().unwrap();
        for (weight, expected) in [(f64::NAN, 1_000), (-5.0, 1_000), (f64::INFINITY, 1_000_000_001_000)] {
            let mut loads = Loads::new(Duration::from_mins(1), 1.0);
            loads.take(&report("a", bucket, weight), &assignment, Duration::ZERO);
            assert_eq!(loads.current().of(bucket), expected);
        }
    }
}
