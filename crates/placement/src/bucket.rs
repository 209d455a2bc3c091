//! Buckets: the unit in which users are placed and moved.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The number of buckets.
///
/// A power of two, large enough that a bucket is a small part of a shard (1/41 of a shard at 100 shards) and
/// small enough that a table is an array of bytes. It is part of what processes agree on: changing it moves
/// every user.
pub const BUCKETS: usize = 4096;

/// A part of the users, who are placed and moved together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Bucket(u16);

/// A number that names no bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bucket {0} is not below {BUCKETS}")]
pub struct InvalidBucket(pub u16);

impl Bucket {
    /// Gives the bucket of a user.
    ///
    /// The hash is XXH3 with 64 bits over the bytes of the name as it is given, so the name must be in its
    /// canonical form. It is the same on every platform and in every version.
    #[must_use]
    pub fn of(username: &str) -> Self {
        // The remainder is below 4,096, so nothing is cut off.
        Self((xxh3_64(username.as_bytes()) % BUCKETS as u64) as u16)
    }

    /// Iterates over all buckets in ascending order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + DoubleEndedIterator {
        (0..BUCKETS as u16).map(Self)
    }

    /// Gives the position in an array of [`BUCKETS`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl TryFrom<u16> for Bucket {
    type Error = InvalidBucket;

    fn try_from(number: u16) -> Result<Self, InvalidBucket> {
        if usize::from(number) < BUCKETS { Ok(Self(number)) } else { Err(InvalidBucket(number)) }
    }
}

impl From<Bucket> for u16 {
    fn from(bucket: Bucket) -> Self {
        bucket.0
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    /// Pinned: another value here means that every deployed table places users elsewhere.
    #[test]
    fn test_vectors_hold() {
        let vectors = [
            ("", 1218),
            ("a", 3615),
            ("alice", 1712),
            ("bob", 2277),
            ("zoë", 3746),
            ("user-with-a-much-longer-name.0123456789", 2342),
        ];
        let found = vectors.map(|(name, _)| (name, u16::from(Bucket::of(name))));
        assert_eq!(found, vectors);
    }

    #[test]
    fn numbers_outside_are_refused() {
        assert_eq!(Bucket::try_from(4095).unwrap().index(), 4095);
        assert_eq!(Bucket::try_from(4096), Err(InvalidBucket(4096)));
        assert!(serde_json::from_str::<Bucket>("4096").is_err());
    }

    #[test]
    fn names_spread_evenly() {
        let mut counts = vec![0_u32; BUCKETS];
        for number in 0..BUCKETS * 100 {
            counts[Bucket::of(&format!("user{number}")).index()] += 1;
        }
        // 100 a bucket with a standard deviation of 10: six of them on either side.
        assert!(counts.iter().all(|count| (40..=160).contains(count)));
    }
}
