//! Where hints go: to the shards that own a conversation's members.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use placement::{Bucket, Table};
use ports::{Clock, Conversation};
use protocol::{Shard, Username};

use crate::conversation::State;

/// How many earlier tables count at most.
const MAX_EARLIER: usize = 16;

/// The table, and for a while those before it: users who move are told by all owners.
pub(crate) struct Route {
    own: Shard,
    clock: Arc<dyn Clock>,
    overlap: Duration,
    tables: Mutex<Tables>,
}

struct Tables {
    current: Arc<Table>,
    /// The tables before, the oldest first, each with the time until which it counts.
    earlier: VecDeque<(Arc<Table>, Duration)>,
}

impl Route {
    pub(crate) fn new(own: Shard, table: Arc<Table>, clock: Arc<dyn Clock>, overlap: Duration) -> Self {
        Self { own, clock, overlap, tables: Mutex::new(Tables { current: table, earlier: VecDeque::new() }) }
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
        tables.earlier.push_back((old, until));
        if tables.earlier.len() > MAX_EARLIER {
            tables.earlier.pop_front();
        }
        true
    }

    /// Says whether this shard owns a user.
    pub(crate) fn is_own(&self, user: &Username) -> bool {
        self.table().chat.owner(Bucket::of(user.as_str())).shard == self.own
    }

    /// Gives the other shards that own members, and the table's epoch.
    pub(crate) fn of(&self, state: &mut State) -> (Arc<[Shard]>, u64) {
        let tables = self.in_force();
        let epoch = u64::from(tables.current.epoch);
        let oldest = tables.earlier.front().map_or(0, |(table, _)| table.epoch.into());
        let key = (epoch, oldest, state.record.version);
        if let Some((known, shards)) = &state.route
            && *known == key
        {
            return (shards.clone(), epoch);
        }
        let shards = self.owners(&state.record, &tables);
        state.route = Some((key, shards.clone()));
        (shards, epoch)
    }

    /// Gives the other shards that own members, whether or not the conversation concerns this one.
    pub(crate) fn of_record(&self, record: &Conversation) -> (Arc<[Shard]>, u64) {
        let tables = self.in_force();
        (self.owners(record, &tables), tables.current.epoch.into())
    }

    /// Gives the tables that count at the moment.
    fn in_force(&self) -> MutexGuard<'_, Tables> {
        let mut tables = self.tables.lock();
        if !tables.earlier.is_empty() {
            let now = self.clock.monotonic();
            tables.earlier.retain(|(_, until)| *until > now);
        }
        tables
    }

    fn owners(&self, record: &Conversation, tables: &Tables) -> Arc<[Shard]> {
        let current = &tables.current;
        let mut owners: Vec<Shard> = Vec::new();
        for table in std::iter::once(current).chain(tables.earlier.iter().map(|(table, _)| table)) {
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
