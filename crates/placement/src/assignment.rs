//! Assignments: the owner of each bucket among the shards of one service.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::bucket::{BUCKETS, Bucket};
use crate::ring::{Ring, RingNode};
use crate::shard::{MAX_SHARDS, Shard, ShardIndex};

/// The shards of a service and the owner of each bucket.
///
/// It is valid by construction: there is a shard, names are unique and ascending, and each bucket has an owner
/// that exists. In JSON the owners are one byte a bucket in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Assignment {
    shards: Vec<Shard>,
    owners: Box<[ShardIndex]>,
    /// Built when a runner-up is asked for the first time.
    ring: OnceLock<Ring>,
}

/// Why shards and owners are not an assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignmentError {
    /// There is nobody to own anything.
    #[error("no shards")]
    NoShards,
    /// An owner could not name them all.
    #[error("{0} shards are more than {MAX_SHARDS}")]
    TooManyShards(usize),
    /// Names are not unique, or not in ascending order.
    #[error("shard name {0:?} is out of order or there twice")]
    NameOrder(String),
    /// There is not one owner for each bucket.
    #[error("{0} owners for {BUCKETS} buckets")]
    OwnerCount(usize),
    /// An owner is not in the list of shards.
    #[error("bucket {bucket} belongs to shard {owner}, which is not there")]
    UnknownOwner {
        /// The number of the bucket.
        bucket: u16,
        /// The position that is not in the list.
        owner: ShardIndex,
    },
    /// The owners are not base64.
    #[error("owners are not base64")]
    Encoding,
}

/// The form in JSON.
#[derive(Serialize, Deserialize)]
struct Wire {
    shards: Vec<Shard>,
    owners: String,
}

impl Assignment {
    /// Checks shards and owners, and joins them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub fn new(shards: Vec<Shard>, owners: Vec<ShardIndex>) -> Result<Self, AssignmentError> {
        if shards.is_empty() {
            return Err(AssignmentError::NoShards);
        }
        if shards.len() > MAX_SHARDS {
            return Err(AssignmentError::TooManyShards(shards.len()));
        }
        if let Some(pair) = shards.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return Err(AssignmentError::NameOrder(pair[1].name.clone()));
        }
        if owners.len() != BUCKETS {
            return Err(AssignmentError::OwnerCount(owners.len()));
        }
        for (bucket, owner) in Bucket::all().zip(&owners) {
            if usize::from(*owner) >= shards.len() {
                return Err(AssignmentError::UnknownOwner { bucket: bucket.into(), owner: *owner });
            }
        }
        Ok(Self { shards, owners: owners.into(), ring: OnceLock::new() })
    }

    /// Gives the shards in ascending order of their names.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Gives the shard with this name.
    #[must_use]
    pub fn shard(&self, name: &str) -> Option<&Shard> {
        self.shards.binary_search_by(|shard| shard.name.as_str().cmp(name)).ok().map(|index| &self.shards[index])
    }

    /// Gives the shard that owns a bucket.
    #[must_use]
    pub fn owner(&self, bucket: Bucket) -> &Shard {
        &self.shards[usize::from(self.owner_index(bucket))]
    }

    /// Gives the position of the shard that owns a bucket.
    pub(crate) fn owner_index(&self, bucket: Bucket) -> ShardIndex {
        self.owners[bucket.index()]
    }

    /// Iterates over the buckets that the shard with this name owns.
    pub fn buckets_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Bucket> + 'a {
        Bucket::all().filter(move |bucket| self.owner(*bucket).name == name)
    }

    /// Gives the shard that takes a bucket while its owner, and all those named, cannot be reached.
    ///
    /// It is the next serving shard on the ring, and depends on nothing but the assignment: everybody who holds
    /// the same table comes to the same answer without a word. It is also where the next table will put the
    /// bucket if the owner is gone, as long as load allows. `None` if nobody is left.
    #[must_use]
    pub fn runner_up(&self, bucket: Bucket, except: &[&str]) -> Option<&Shard> {
        let owner = self.owner_index(bucket);
        self.ring()
            .walk(bucket)
            .filter(|index| *index != owner)
            .map(|index| &self.shards[usize::from(index)])
            .find(|shard| !except.contains(&shard.name.as_str()))
    }

    /// Gives the ring of the serving shards.
    fn ring(&self) -> &Ring {
        self.ring.get_or_init(|| ring_of(&self.shards))
    }
}

/// Builds the ring of those shards that are serving; it answers positions in the list.
pub(crate) fn ring_of(shards: &[Shard]) -> Ring {
    Ring::new((0..=ShardIndex::MAX).zip(shards).filter(|(_, shard)| shard.is_serving()).map(|(index, shard)| {
        RingNode { index, name: &shard.name, weight: shard.weight }
    }))
}

impl PartialEq for Assignment {
    fn eq(&self, other: &Self) -> bool {
        self.shards == other.shards && self.owners == other.owners
    }
}

impl Eq for Assignment {}

impl fmt::Debug for Assignment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Assignment").field("shards", &self.shards).finish_non_exhaustive()
    }
}

impl From<Assignment> for Wire {
    fn from(assignment: Assignment) -> Self {
        Self { owners: STANDARD_NO_PAD.encode(&assignment.owners), shards: assignment.shards }
    }
}

impl TryFrom<Wire> for Assignment {
    type Error = AssignmentError;

    fn try_from(wire: Wire) -> Result<Self, AssignmentError> {
        let owners = STANDARD_NO_PAD.decode(wire.owners).map_err(|_| AssignmentError::Encoding)?;
        Self::new(wire.shards, owners)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::shard::ShardState;

    fn shard(name: &str, state: ShardState) -> Shard {
        Shard { name: name.into(), url: format!("http://{name}"), weight: 1, state }
    }

    fn three() -> Vec<Shard> {
        ["a", "b", "c"].map(|name| shard(name, ShardState::Serving)).into()
    }

    fn thirds() -> Vec<u8> {
        (0..BUCKETS).map(|bucket| (bucket % 3) as u8).collect()
    }

    #[test]
    fn json_round_trips_and_is_small() {
        let assignment = Assignment::new(three(), thirds()).unwrap();
        let json = serde_json::to_string(&assignment).unwrap();
        assert!(json.len() < 6_000, "{} bytes", json.len());
        assert_eq!(serde_json::from_str::<Assignment>(&json).unwrap(), assignment);
    }

    #[test]
    fn what_is_not_an_assignment_is_refused() {
        let cut = thirds()[1..].to_vec();
        let mut beyond = thirds();
        beyond[4095] = 3;
        let mut twice = three();
        twice[1].name = "a".into();
        let many = (0..257).map(|number| shard(&format!("{number:03}"), ShardState::Serving)).collect();
        let cases = [
            (Assignment::new(vec![], thirds()), AssignmentError::NoShards),
            (Assignment::new(many, thirds()), AssignmentError::TooManyShards(257)),
            (Assignment::new(twice, thirds()), AssignmentError::NameOrder("a".into())),
            (Assignment::new(three(), cut), AssignmentError::OwnerCount(4095)),
            (Assignment::new(three(), beyond), AssignmentError::UnknownOwner { bucket: 4095, owner: 3 }),
        ];
        for (found, expected) in cases {
            assert_eq!(found.unwrap_err(), expected);
        }
        let json = serde_json::json!({ "shards": three(), "owners": "not base64!" });
        assert!(serde_json::from_value::<Assignment>(json).unwrap_err().to_string().contains("base64"));
    }

    #[test]
    fn runner_up_is_another_serving_shard_and_the_same_everywhere() {
        let mut shards = three();
        shards.push(shard("d", ShardState::Draining));
        let assignment = Assignment::new(shards, thirds()).unwrap();
        let copy: Assignment = serde_json::from_str(&serde_json::to_string(&assignment).unwrap()).unwrap();
        for bucket in Bucket::all() {
            let owner = &assignment.owner(bucket).name;
            let first = &assignment.runner_up(bucket, &[]).unwrap().name;
            assert!(first != owner && first != "d");
            assert_eq!(first, &copy.runner_up(bucket, &[]).unwrap().name);
            let second = &assignment.runner_up(bucket, &[first]).unwrap().name;
            assert!(second != owner && second != first && second != "d");
            assert_eq!(assignment.runner_up(bucket, &[first, second]), None);
        }
    }
}
