//! Assignments: the owner of each bucket among the shards of one service.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use protocol::Shard;
use serde::{Deserialize, Serialize};

use crate::bucket::{BUCKETS, Bucket};
use crate::member::{MAX_MEMBERS, Member, MemberIndex};
use crate::ring::{Ring, RingNode};

/// The shards of a service and the owner of each bucket.
///
/// It is valid by construction: there is a shard, names are unique and ascending, and each bucket has an owner
/// that exists. In JSON the owners are one byte a bucket in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Assignment {
    members: Vec<Member>,
    owners: Box<[MemberIndex]>,
    /// Built when a runner-up is asked for the first time.
    ring: OnceLock<Ring>,
}

/// Why shards and owners are not an assignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignmentError {
    /// There is nobody to own anything.
    #[error("no members")]
    NoMembers,
    /// An owner could not name them all.
    #[error("{0} members are more than {MAX_MEMBERS}")]
    TooManyMembers(usize),
    /// Names are not unique, or not in ascending order.
    #[error("shard {0} is out of order or there twice")]
    Order(Shard),
    /// There is not one owner for each bucket.
    #[error("{0} owners for {BUCKETS} buckets")]
    OwnerCount(usize),
    /// An owner is not in the list of members.
    #[error("bucket {bucket} belongs to shard {owner}, which is not there")]
    UnknownOwner {
        /// The number of the bucket.
        bucket: u16,
        /// The position that is not in the list.
        owner: MemberIndex,
    },
    /// The owners are not base64.
    #[error("owners are not base64")]
    Encoding,
}

/// The form in JSON.
#[derive(Serialize, Deserialize)]
struct Wire {
    members: Vec<Member>,
    owners: String,
}

impl Assignment {
    /// Checks shards and owners, and joins them.
    ///
    /// # Errors
    ///
    /// Says what is wrong with them.
    pub fn new(members: Vec<Member>, owners: Vec<MemberIndex>) -> Result<Self, AssignmentError> {
        if members.is_empty() {
            return Err(AssignmentError::NoMembers);
        }
        if members.len() > MAX_MEMBERS {
            return Err(AssignmentError::TooManyMembers(members.len()));
        }
        if let Some(pair) = members.windows(2).find(|pair| pair[0].shard >= pair[1].shard) {
            return Err(AssignmentError::Order(pair[1].shard.clone()));
        }
        if owners.len() != BUCKETS {
            return Err(AssignmentError::OwnerCount(owners.len()));
        }
        for (bucket, owner) in Bucket::all().zip(&owners) {
            if usize::from(*owner) >= members.len() {
                return Err(AssignmentError::UnknownOwner { bucket: bucket.into(), owner: *owner });
            }
        }
        Ok(Self { members, owners: owners.into(), ring: OnceLock::new() })
    }

    /// Gives the shards in ascending order of their names.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Gives the member with this name.
    #[must_use]
    pub fn member(&self, shard: &Shard) -> Option<&Member> {
        self.members.binary_search_by(|member| member.shard.cmp(shard)).ok().map(|index| &self.members[index])
    }

    /// Gives the shard that owns a bucket.
    #[must_use]
    pub fn owner(&self, bucket: Bucket) -> &Member {
        &self.members[usize::from(self.owner_index(bucket))]
    }

    /// Gives the position of the shard that owns a bucket.
    pub(crate) fn owner_index(&self, bucket: Bucket) -> MemberIndex {
        self.owners[bucket.index()]
    }

    /// Iterates over the buckets that a shard owns.
    pub fn buckets_of<'a>(&'a self, shard: &'a Shard) -> impl Iterator<Item = Bucket> + 'a {
        Bucket::all().filter(move |bucket| self.owner(*bucket).shard == *shard)
    }

    /// Gives the shard that takes a bucket while its owner, and all those named, cannot be reached.
    ///
    /// It is the next serving shard on the ring, and depends on nothing but the assignment: everybody who holds
    /// the same table comes to the same answer without a word. It is also where the next table will put the
    /// bucket if the owner is gone, as long as load allows. `None` if nobody is left.
    ///
    /// The first call builds the ring: see [`Ring`] for what that costs.
    #[must_use]
    pub fn runner_up(&self, bucket: Bucket, except: &[Shard]) -> Option<&Member> {
        let owner = self.owner_index(bucket);
        self.ring()
            .walk(bucket)
            .filter(|index| *index != owner)
            .map(|index| &self.members[usize::from(index)])
            .find(|member| !except.contains(&member.shard))
    }

    /// Gives the ring of the serving members.
    fn ring(&self) -> &Ring {
        self.ring.get_or_init(|| ring_of(&self.members))
    }
}

/// Builds the ring of those members that are serving; it answers positions in the list.
pub(crate) fn ring_of(members: &[Member]) -> Ring {
    Ring::new(
        (0..=MemberIndex::MAX)
            .zip(members)
            .filter(|(_, member)| member.is_serving())
            .map(|(index, member)| RingNode { index, name: member.name(), weight: member.weight }),
    )
}

impl PartialEq for Assignment {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members && self.owners == other.owners
    }
}

impl Eq for Assignment {}

impl fmt::Debug for Assignment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Assignment").field("members", &self.members).finish_non_exhaustive()
    }
}

impl From<Assignment> for Wire {
    fn from(assignment: Assignment) -> Self {
        Self { owners: STANDARD_NO_PAD.encode(&assignment.owners), members: assignment.members }
    }
}

impl TryFrom<Wire> for Assignment {
    type Error = AssignmentError;

    fn try_from(wire: Wire) -> Result<Self, AssignmentError> {
        let owners = STANDARD_NO_PAD.decode(wire.owners).map_err(|_| AssignmentError::Encoding)?;
        Self::new(wire.members, owners)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::member::ORDINARY_WEIGHT;

    fn member(name: &str, draining: bool) -> Member {
        let shard = Shard::new(name).unwrap();
        Member { url: format!("ws://{shard}"), shard, weight: ORDINARY_WEIGHT, operator_url: None, draining }
    }

    fn three() -> Vec<Member> {
        ["a", "b", "c"].map(|name| member(name, false)).into()
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
        twice[1] = member("a", false);
        let a = twice[1].shard.clone();
        let many = (0..257).map(|number| member(&format!("{number:03}"), false)).collect();
        let cases = [
            (Assignment::new(vec![], thirds()), AssignmentError::NoMembers),
            (Assignment::new(many, thirds()), AssignmentError::TooManyMembers(257)),
            (Assignment::new(twice, thirds()), AssignmentError::Order(a)),
            (Assignment::new(three(), cut), AssignmentError::OwnerCount(4095)),
            (Assignment::new(three(), beyond), AssignmentError::UnknownOwner { bucket: 4095, owner: 3 }),
        ];
        for (found, expected) in cases {
            assert_eq!(found.unwrap_err(), expected);
        }
        let json = serde_json::json!({ "members": three(), "owners": "not base64!" });
        assert!(serde_json::from_value::<Assignment>(json).unwrap_err().to_string().contains("base64"));
    }

    #[test]
    fn runner_up_is_another_serving_shard_and_the_same_everywhere() {
        let mut members = three();
        members.push(member("d", true));
        let assignment = Assignment::new(members, thirds()).unwrap();
        let copy: Assignment = serde_json::from_str(&serde_json::to_string(&assignment).unwrap()).unwrap();
        for bucket in Bucket::all() {
            let owner = assignment.owner(bucket);
            let first = assignment.runner_up(bucket, &[]).unwrap();
            assert!(first != owner && !first.draining);
            assert_eq!(Some(first), copy.runner_up(bucket, &[]));
            let second = assignment.runner_up(bucket, std::slice::from_ref(&first.shard)).unwrap();
            assert!(second != owner && second != first && !second.draining);
            let both = [first.shard.clone(), second.shard.clone()];
            assert_eq!(assignment.runner_up(bucket, &both), None);
        }
    }
}
