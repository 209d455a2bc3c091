//! What is yet to be told to the store and to other shards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use availability::Moment;
use ports::PresenceRecord;
use protocol::Username;
use protocol::presence::{Presence, Status};

use super::State;

/// What is yet to be told; bounded by the number of users, since the last state of each is all that counts.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// How users are now: to the shards of their watchers, or to the owner.
    pub(crate) changes: BTreeMap<Username, Change>,
    /// Whose record is to be written.
    pub(crate) touched: BTreeSet<Username>,
    /// Who has gone, as it is to be written.
    pub(crate) departed: BTreeMap<Username, Presence>,
    /// Whose contacts are to be read again.
    pub(crate) reload: BTreeSet<Username>,
}

/// A change, and for whom.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) presence: Presence,
    pub(crate) to: Recipients,
}

/// For whom a change is.
#[derive(Debug)]
pub(crate) enum Recipients {
    /// The shard that the user belongs to.
    Owner,
    /// The shards of these contacts; if they are not known, of those that the store names.
    Watchers(Option<Arc<[Username]>>),
}

impl Outgoing {
    /// Says whether a record is to be written.
    pub(crate) fn has_records(&self) -> bool {
        !self.touched.is_empty() || !self.departed.is_empty()
    }
}

impl State {
    /// Takes the records that are to be written.
    pub(crate) fn take_records(&mut self, now: Moment) -> Vec<PresenceRecord> {
        let epoch = self.ownership.epoch();
        let record = |presence: Presence, connected| PresenceRecord {
            username: presence.user,
            status: presence.status,
            last_seen: presence.last_seen,
            status_text: presence.status_text,
            connected,
            epoch,
        };
        let mut departed = std::mem::take(&mut self.outgoing.departed);
        let mut records = Vec::with_capacity(self.outgoing.touched.len() + departed.len());
        for user in std::mem::take(&mut self.outgoing.touched) {
            if self.ownership.owns(&user)
                && let Some(presence) = self.availability.record(&user, now)
            {
                departed.remove(&user);
                records.push(record(presence, true));
            }
        }
        let departed = departed.into_values().filter(|presence| self.ownership.owns(&presence.user));
        records.extend(departed.map(|presence| record(presence, false)));
        records
    }

    /// Takes the changes that are to be told to other shards.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.outgoing.changes).into_values().collect()
    }

    /// Takes whose contacts are to be read again.
    pub(crate) fn take_reloads(&mut self) -> BTreeSet<Username> {
        std::mem::take(&mut self.outgoing.reload)
    }

    /// Has the records of all our connected users written again, so that `last_seen` is fresh.
    pub(crate) fn touch_all(&mut self) {
        let own = self.roster.users().filter(|user| self.ownership.owns(user));
        self.outgoing.touched.extend(own.cloned());
    }

    /// Has the owners told again of the users whom this shard serves for them.
    pub(crate) fn vouch_for_guests(&mut self) {
        let users: Vec<Username> = self.roster.users().cloned().collect();
        for user in users {
            self.vouch_for(&user);
        }
    }

    /// Has the owner told of a user whom this shard serves for it, if the user is to be seen.
    pub(super) fn vouch_for(&mut self, user: &Username) {
        if !self.ownership.owns(user)
            && let Some(presence) = self.availability.presence(user)
            && presence.status != Status::Offline
        {
            self.tell_others(presence.clone());
        }
    }
}
