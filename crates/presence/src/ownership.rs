//! Which users belong to this shard, and where the others do.

use std::collections::BTreeSet;
use std::sync::Arc;

use placement::{Bucket, Member, Table};
use protocol::{Shard, Username};

/// A placement table from the view of one presence shard.
#[derive(Clone, Debug)]
pub(crate) struct Ownership {
    own: Shard,
    table: Arc<Table>,
}

impl Ownership {
    /// Reads a table.
    pub(crate) fn new(own: Shard, table: Arc<Table>) -> Self {
        Self { own, table }
    }

    /// Gives the table's epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.table.epoch.into()
    }

    /// Gives the shard that a user belongs to.
    pub(crate) fn owner(&self, user: &Username) -> &Shard {
        &self.member(user).shard
    }

    /// Says whether a user belongs to this shard.
    pub(crate) fn owns(&self, user: &Username) -> bool {
        *self.owner(user) == self.own
    }

    /// Gives the shards of these users, each once and without this one.
    pub(crate) fn others<'a>(&'a self, users: impl IntoIterator<Item = &'a Username>) -> BTreeSet<&'a Shard> {
        let owners = users.into_iter().map(|user| self.owner(user));
        owners.filter(|owner| **owner != self.own).collect()
    }

    /// Gives the address of the `/presence` where a user belongs, if that is another shard.
    pub(crate) fn address_elsewhere(&self, user: &Username) -> Option<String> {
        let member = self.member(user);
        (member.shard != self.own).then(|| format!("{}/presence", member.url.trim_end_matches('/')))
    }

    /// Gives the buckets that this shard has here and did not have in `before`.
    pub(crate) fn gained_since(&self, before: Option<&Self>) -> BTreeSet<Bucket> {
        let had = |bucket| before.is_some_and(|before| before.owns_bucket(bucket));
        Bucket::all().filter(|bucket| self.owns_bucket(*bucket) && !had(*bucket)).collect()
    }

    fn member(&self, user: &Username) -> &Member {
        self.table.presence.owner(Bucket::of(user.as_str()))
    }

    fn owns_bucket(&self, bucket: Bucket) -> bool {
        self.table.presence.owner(bucket).shard == self.own
    }
}
