//! Where everything of a user is.
//!
//! Users lie in partitions, as conversations do, so that what is left to do for them can be found. A user's name cannot be
//! mistaken for another key, because it has no colon.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::Username;
use xxhash_rust::xxh3::xxh3_64;

use crate::contacts::Relation;
use crate::keys::Keys;

/// How many partitions there are of users. It is part of the layout.
pub(crate) const USER_PARTITIONS: u16 = 1024;

/// A user's keys, all in one slot.
#[derive(Clone, Debug)]
pub(crate) struct UserKeys {
    account: Bytes,
    todo: Bytes,
}

impl UserKeys {
    /// Gives a user's keys.
    pub(crate) fn new(keys: &Keys, username: &Username) -> Self {
        let partition = user_partition(username);
        let account = keys.tagged(&user_tag(partition), &format!(":u:{username}"));
        Self { account, todo: users_todo(keys, partition) }
    }

    /// Hash: the account, and the user's counters. It stays when the account is deleted, so that the name stays taken.
    pub(crate) fn account(&self) -> Bytes {
        self.account.clone()
    }

    /// Sorted set: conversations that the user has joined, by their version then. Derived from the members of conversations.
    pub(crate) fn conversations(&self) -> Bytes {
        self.part("conversations")
    }

    /// Sorted set: logins, by when they were made.
    pub(crate) fn logins(&self) -> Bytes {
        self.part("logins")
    }

    /// Hash: devices as JSON, by their ids.
    pub(crate) fn devices(&self) -> Bytes {
        self.part("devices")
    }

    /// Hash: number and time of the change, by whom the user is related to.
    pub(crate) fn related(&self, relation: Relation) -> Bytes {
        self.part(relation.name())
    }

    /// Hash: number of the change, by who is related to the user. Derived from the other users' relations.
    pub(crate) fn related_by(&self, relation: Relation) -> Bytes {
        self.part(&format!("{}_of", relation.name()))
    }

    /// Number of the change by which another was related to the user no more, for a while.
    pub(crate) fn removal(&self, relation: Relation, other: &Username) -> Bytes {
        self.part(&format!("{}_of:{other}", relation.name()))
    }

    /// Hash: what is left to do for users of the partition.
    pub(crate) fn todo(&self) -> Bytes {
        self.todo.clone()
    }

    fn part(&self, name: &str) -> Bytes {
        [&self.account, b":".as_slice(), name.as_bytes()].concat().into()
    }
}

/// Gives the key of what is left to do for the users of a partition, a hash.
pub(crate) fn users_todo(keys: &Keys, partition: u16) -> Bytes {
    keys.tagged(&user_tag(partition), ":todo")
}

/// Gives the partition of a user.
fn user_partition(username: &Username) -> u16 {
    partition_of(username.as_str().as_bytes(), USER_PARTITIONS)
}

/// Gives users by their partitions.
pub(crate) fn by_partition<'a>(
    usernames: impl IntoIterator<Item = &'a Username>,
) -> BTreeMap<u16, Vec<&'a Username>> {
    let mut partitions: BTreeMap<u16, Vec<&Username>> = BTreeMap::new();
    for username in usernames {
        partitions.entry(user_partition(username)).or_default().push(username);
    }
    partitions
}

fn user_tag(partition: u16) -> String {
    format!("u{partition}")
}

/// Gives the partition of something that has a name.
pub(crate) fn partition_of(name: &[u8], partitions: u16) -> u16 {
    u16::try_from(xxh3_64(name) % u64::from(partitions)).unwrap_or_default()
}
