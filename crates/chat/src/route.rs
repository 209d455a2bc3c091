//! Where hints go: to the shards that own a conversation's members.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use placement::{Bucket, Table};
use ports::{Clock, Conversation};
use protocol::{Shard, Username};

use crate::conversation::State;

/// The table, and for a while the one before: users who move are told by both owners.
pub(crate) struct Route {
    own: Shard,
    clock: Arc<dyn Clock>,
    overlap: Duration,
    tables: Mutex<Tables>,
}

struct Tables {
    current: Arc<Table>,
    previous: Option<(Arc<Table>, Duration)>,
}

impl Route {
    pub(crate) fn new(own: Shard, table: Arc<Table>, clock: Arc<dyn Clock>, overlap: Duration) -> Self {
        Self { own, clock, overlap, tables: Mutex::new(Tables { current: table, previous: None }) }
    }

    /// Gives the table in force.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.tables.lock().current.clone()
    }

    /// Puts a newer table in force; an older one is passed over.
    pub(crate) fn update(&self, table: Arc<Table>) -> bool {
        let until = self.clock.monotonic() + self.overlap;
        let mut tables = self.tables.lock();
        if table.epoch <= tables.current.epoch {
            return false;
        }
        let old = std::mem::replace(&mut tables.current, table);
        tables.previous = Some((old, until));
        true
    }

    /// Says whether this shard owns a user.
    pub(crate) fn is_own(&self, user: &Username) -> bool {
        self.table().chat.owner(Bucket::of(user.as_str())).shard == self.own
    }

    /// Gives the other shards that own members, and the table's epoch.
    pub(crate) fn of(&self, state: &mut State) -> (Arc<[Shard]>, u64) {
        let (current, previous) = self.in_force();
        let epoch = u64::from(current.epoch);
        let key = (epoch, previous.as_ref().map_or(0, |table| table.epoch.into()), state.record.version);
        if let Some((known, shards)) = &state.route
            && *known == key
        {
            return (shards.clone(), epoch);
        }
        let shards = self.owners(&state.record, &current, previous.as_deref());
        state.route = Some((key, shards.clone()));
        (shards, epoch)
    }

    /// Gives the other shards that own members, whether or not the conversation concerns this one.
    pub(crate) fn of_record(&self, record: &Conversation) -> (Arc<[Shard]>, u64) {
        let (current, previous) = self.in_force();
        (self.owners(record, &current, previous.as_deref()), current.epoch.into())
    }

    fn in_force(&self) -> (Arc<Table>, Option<Arc<Table>>) {
        let mut tables = self.tables.lock();
        if tables.previous.as_ref().is_some_and(|(_, until)| *until <= self.clock.monotonic()) {
            tables.previous = None;
        }
        (tables.current.clone(), tables.previous.as_ref().map(|(table, _)| table.clone()))
    }

    fn owners(&self, record: &Conversation, current: &Table, previous: Option<&Table>) -> Arc<[Shard]> {
        let mut owners: Vec<Shard> = Vec::new();
        for table in [Some(current), previous].into_iter().flatten() {
            for member in &record.members {
                let owner = &table.chat.owner(Bucket::of(member.username.as_str())).shard;
                // A shard that is in no table any more reads no inbox.
                let reads = current.chat.member(owner).is_some();
                if owner != &self.own && reads && !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners.into()
    }
}
