//! All that a shard knows, under one lock: calls are short, never wait, and put what others are to be told into queues.

mod connecting;
mod news;
mod outgoing;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeMap;
use std::sync::Arc;

use availability::{Availability, Moment};
use ports::PresenceRecord;
use protocol::presence::{Presence, ServerFrame, Status};
use protocol::{LoginId, Username};

use crate::hub::milliseconds;
use crate::options::PresenceOptions;
use crate::ownership::Ownership;
use crate::roster::Roster;
use crate::watchlist::Watchlist;

pub(crate) use connecting::Contacts;
pub(crate) use outgoing::{Change, Outgoing, Recipients};

/// How long it is remembered that somebody has gone, or that a login has ended, in milliseconds: longer than anything
/// that was read from the store before may be on its way.
const MEMORY: u64 = 120_000;

/// All that a shard knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) roster: Roster,
    pub(crate) outgoing: Outgoing,
    availability: Availability,
    watchlist: Watchlist,
    ownership: Arc<Ownership>,
    times: Times,
    /// Whom those saw who have no socket any more, but are not gone yet: they are to be told.
    leaving: BTreeMap<Username, Arc<[Username]>>,
    /// When those who have gone lately went: an older record must not bring them back.
    departed_at: BTreeMap<Username, u64>,
    /// When logins ended lately: a socket that was let in just before is not let stay.
    ended_logins: BTreeMap<LoginId, u64>,
}

/// Options in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    adoption: u64,
    vouch: u64,
    record_lag: u64,
}

impl State {
    /// Makes the state of a shard that has just started.
    pub(crate) fn new(options: &PresenceOptions, ownership: Ownership) -> Self {
        Self {
            roster: Roster::default(),
            outgoing: Outgoing::default(),
            availability: Availability::new(options.timings),
            watchlist: Watchlist::default(),
            ownership: Arc::new(ownership),
            times: Times {
                adoption: milliseconds(options.adoption),
                vouch: milliseconds(options.vouch),
                record_lag: milliseconds(options.record_lag),
            },
            leaving: BTreeMap::new(),
            departed_at: BTreeMap::new(),
            ended_logins: BTreeMap::new(),
        }
    }

    /// Says who owns whom.
    pub(crate) fn ownership(&self) -> &Arc<Ownership> {
        &self.ownership
    }

    /// Says when [`State::advance`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.availability.next_deadline()
    }

    /// Tells what time alone has changed.
    pub(crate) fn advance(&mut self, now: Moment) {
        for change in self.availability.advance(now) {
            self.publish(change, now);
        }
    }

    /// Forgets what was remembered for a while.
    pub(crate) fn forget_old(&mut self, now: Moment) {
        let since = now.elapsed.saturating_sub(MEMORY);
        self.departed_at.retain(|_, at| *at >= since);
        self.ended_logins.retain(|_, at| *at >= since);
    }

    /// Takes note of those who have gone, after every call.
    pub(crate) fn note_departures(&mut self, now: Moment) {
        for departed in self.availability.take_departed() {
            self.leaving.remove(&departed.user);
            if self.ownership.owns(&departed.user) {
                self.departed_at.insert(departed.user.clone(), now.elapsed);
                self.outgoing.departed.insert(departed.user.clone(), departed);
            }
        }
    }

    /// Gives a user's change to those who may see it: at once here, and soon elsewhere.
    fn publish(&mut self, change: Presence, now: Moment) {
        self.outgoing.touched.insert(change.user.clone());
        // The sight of somebody who belongs elsewhere is that of the owner, who is told.
        if self.ownership.owns(&change.user) {
            self.tell(&change, self.ownership.epoch(), now);
        }
        self.tell_others(change);
    }

    /// Has other shards told how a user is: those of the watchers, or the one that the user belongs to.
    fn tell_others(&mut self, presence: Presence) {
        let to = if self.ownership.owns(&presence.user) {
            let contacts = self.roster.visible(&presence.user).or_else(|| self.leaving.get(&presence.user));
            Recipients::Watchers(contacts.cloned())
        } else {
            Recipients::Owner
        };
        self.outgoing.changes.insert(presence.user.clone(), Change { presence, to });
    }

    /// Tells the watchers here, if it is news to them.
    fn tell(&mut self, presence: &Presence, epoch: u64, now: Moment) {
        if let Some(watchers) = self.watchlist.learn(presence, epoch, now.elapsed) {
            let frame = websocket::text(&ServerFrame::Presence(presence.clone()).encode());
            for watcher in watchers {
                self.roster.deliver(watcher, &presence.user, &frame);
            }
        }
    }

    /// Says how a contact is, as far as it is known.
    fn sight_of(&self, contact: &Username) -> Presence {
        self.watchlist.presence(contact).cloned().unwrap_or_else(|| absent(contact))
    }

    /// Expects one of our users of whom the store says that a device is connected, unless that is older than what we
    /// know. `read_at` is when the reading began.
    fn adopt(&mut self, record: &PresenceRecord, read_at: u64, now: Moment) {
        let gone_since = self.departed_at.get(&record.username);
        let outdated = gone_since.is_some_and(|at| at.saturating_add(self.times.record_lag) >= read_at);
        let known = self.availability.presence(&record.username).is_some();
        if !record.connected || known || outdated || !self.ownership.owns(&record.username) {
            return;
        }
        let there = sight(record);
        self.tell(&there, self.ownership.epoch(), now);
        self.availability.adopt(there, now.elapsed + self.times.adoption, now);
        // Written again, under our epoch: from then on the owner before cannot.
        self.outgoing.touched.insert(record.username.clone());
    }
}

/// Gives what others see of a stored record.
fn sight(record: &PresenceRecord) -> Presence {
    let status_text = if record.status == Status::Offline { None } else { record.status_text.clone() };
    Presence {
        user: record.username.clone(),
        status: record.status,
        last_seen: record.last_seen,
        status_text,
    }
}

/// Gives what others see of somebody of whom nothing is known, or who is no longer theirs to see.
fn absent(user: &Username) -> Presence {
    Presence { user: user.clone(), status: Status::Offline, last_seen: None, status_text: None }
}
