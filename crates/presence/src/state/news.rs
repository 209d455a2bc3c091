//! News of others: hints from the inbox, and records from the store.

use std::collections::BTreeMap;

use availability::Moment;
use ports::PresenceRecord;
use protocol::Username;
use protocol::hint::{Envelope, Hint};
use protocol::presence::{Presence, Status};

use super::{State, absent, sight};

impl State {
    /// Takes a hint.
    pub(crate) fn hear(&mut self, envelope: Envelope, now: Moment) {
        match envelope.hint {
            Hint::Presence { users } => {
                for presence in users {
                    if self.ownership.owns(&presence.user) {
                        self.hear_of_own(&presence, envelope.epoch, now);
                    } else {
                        self.tell(&presence, envelope.epoch, now);
                    }
                }
            }
            Hint::Contacts { users } => self.reload_contacts_of(users),
            Hint::LoginEnded { login, user } => self.end_login(login, &user, now),
            // For chat shards.
            Hint::Event(_) | Hint::Conversation(_) | Hint::Receipt { .. } | Hint::Typing { .. } => {}
        }
    }

    /// Another shard serves one of our users, who has not moved here yet. An owner before us, who does not know of the
    /// newer table, says the same of times that are over.
    fn hear_of_own(&mut self, presence: &Presence, epoch: u64, now: Moment) {
        if epoch < self.ownership.epoch() {
            return;
        }
        let change = if presence.status == Status::Offline {
            self.availability.vouch_no_more(presence, now)
        } else {
            self.availability.vouch(presence, now.elapsed + self.times.vouch, now)
        };
        if let Some(change) = change {
            self.publish(change, now);
        }
    }

    /// Has the contacts of these users read again, as far as they are connected here.
    pub(crate) fn reload_contacts_of(&mut self, users: impl IntoIterator<Item = Username>) {
        let connected = users.into_iter().filter(|user| self.roster.contains(user));
        self.outgoing.reload.extend(connected);
    }

    /// Gives those whom a user sees and of whom nothing is known yet.
    pub(crate) fn unknown_to(&self, user: &Username) -> Vec<Username> {
        let visible = self.roster.visible(user).cloned().unwrap_or_default();
        visible.iter().filter(|contact| self.watchlist.presence(contact).is_none()).cloned().collect()
    }

    /// Takes the records of `contacts` of whom nothing was known; who has none was never there.
    pub(crate) fn fill(
        &mut self,
        contacts: &[Username],
        records: &[PresenceRecord],
        read_at: u64,
        now: Moment,
    ) {
        let records: BTreeMap<&Username, &PresenceRecord> =
            records.iter().map(|record| (&record.username, record)).collect();
        for contact in contacts {
            if let Some(record) = records.get(contact) {
                self.adopt(record, read_at, now);
            }
            // What we know of our own users outweighs the store.
            let (presence, epoch) = match (self.own_presence(contact), records.get(contact)) {
                (Some(presence), _) => (presence.clone(), self.ownership.epoch()),
                (None, Some(record)) => (sight(record), record.epoch),
                (None, None) => (absent(contact), 0),
            };
            self.watchlist.fill(presence, epoch, now.elapsed);
        }
    }

    /// Gives those watched users of whom the store may know more: the others are connected to their owner, which is here.
    pub(crate) fn watched_elsewhere(&self) -> Vec<Username> {
        let names = self.watchlist.names();
        names.filter(|name| self.own_presence(name).is_none()).cloned().collect()
    }

    /// Takes a record that a sweep began to read at `read_at`, unless something newer is known.
    pub(crate) fn correct(&mut self, record: &PresenceRecord, read_at: u64, now: Moment) {
        self.adopt(record, read_at, now);
        let settled = read_at.saturating_sub(self.times.record_lag);
        if self.own_presence(&record.username).is_none()
            && self.watchlist.is_older(&record.username, record.epoch, settled)
        {
            self.tell(&sight(record), record.epoch, now);
        }
    }

    /// Gives how a user of our own is, who is there.
    pub(super) fn own_presence(&self, user: &Username) -> Option<&Presence> {
        self.availability.presence(user).filter(|_| self.ownership.owns(user))
    }
}
