//! How heavy each bucket is.

use std::fmt;

use crate::bucket::{BUCKETS, Bucket};

/// The greatest load of one bucket; greater ones count as this, so that no sum overflows.
pub const MAX_LOAD: u64 = 1 << 40;

/// The load of every bucket, in whatever unit: only ratios count.
///
/// Loads are whole numbers, so that every replica computes the same sums. No bucket weighs less than 1:
/// a service nobody uses yet is spread evenly too.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketLoads(Box<[u64]>);

impl BucketLoads {
    /// Makes every bucket as heavy as every other.
    #[must_use]
    pub fn uniform() -> Self {
        Self::from_fn(|_| 1)
    }

    /// Asks for the load of each bucket in turn.
    #[must_use]
    pub fn from_fn(mut load: impl FnMut(Bucket) -> u64) -> Self {
        Self(Bucket::all().map(|bucket| load(bucket).clamp(1, MAX_LOAD)).collect())
    }

    /// Gives the load of a bucket.
    #[must_use]
    pub fn of(&self, bucket: Bucket) -> u64 {
        self.0[bucket.index()]
    }

    /// Gives the sum over all buckets.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl fmt::Debug for BucketLoads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (self.0.iter().min(), self.0.iter().max());
        write!(
            formatter,
            "BucketLoads({BUCKETS} buckets, least {least:?}, most {most:?}, total {})",
            self.total()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_bounded_on_both_sides() {
        let loads = BucketLoads::from_fn(|bucket| if bucket.index() == 0 { 0 } else { u64::MAX });
        assert_eq!(Bucket::all().map(|bucket| loads.of(bucket)).min(), Some(1));
        assert_eq!(loads.total(), 1 + (BUCKETS as u64 - 1) * MAX_LOAD);
    }
}
