//! All users of a shard who are there, and when each is to be looked at again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use protocol::presence::{ChosenStatus, Presence, Status};
use protocol::{Timestamp, Username};

use crate::user::User;
use crate::{Departure, Moment, SessionId, Timings};

/// Who is there. Each call gives what others are to be told, if anything; what only time changes comes from
/// [`Availability::advance`].
#[derive(Debug)]
pub struct Availability {
    timings: Timings,
    users: BTreeMap<Username, User>,
    /// When a user is to be looked at again; never later than needed, sometimes earlier.
    alarms: BTreeSet<(u64, Username)>,
    /// Who has gone since the caller last asked.
    departed: Vec<Presence>,
}

impl Availability {
    /// Makes one where nobody is there.
    pub fn new(timings: Timings) -> Self {
        Self { timings, users: BTreeMap::new(), alarms: BTreeSet::new(), departed: Vec::new() }
    }

    /// A device connects. `last_seen` is when the user was last there, as far as the store knows; it is heeded only
    /// for somebody who is not there.
    pub fn connect(
        &mut self,
        user: &Username,
        session: SessionId,
        last_seen: Option<Timestamp>,
        now: Moment,
    ) -> Option<Presence> {
        let timings = self.timings;
        self.users
            .entry(user.clone())
            .or_insert_with(|| User::absent(user.clone(), last_seen, now))
            .connect(session, now, &timings);
        self.settle(user, now)
    }

    /// A device is gone; nothing happens if it was not there.
    pub fn disconnect(
        &mut self,
        user: &Username,
        session: SessionId,
        departure: Departure,
        now: Moment,
    ) -> Option<Presence> {
        let timings = self.timings;
        self.users.get_mut(user)?.disconnect(session, departure, now, &timings).then_some(())?;
        self.settle(user, now)
    }

    /// A user says how to be shown; without a text the text stays, an empty one takes it away. Nothing happens for
    /// somebody who has no device connected.
    pub fn choose(
        &mut self,
        user: &Username,
        chosen: ChosenStatus,
        status_text: Option<String>,
        now: Moment,
    ) -> Option<Presence> {
        let timings = self.timings;
        self.connected_user(user)?.choose(chosen, status_text, now, &timings);
        self.settle(user, now)
    }

    /// A user does something; nothing happens for somebody who has no device connected.
    pub fn active(&mut self, user: &Username, now: Moment) -> Option<Presence> {
        let timings = self.timings;
        self.connected_user(user)?.be_active(now, &timings);
        self.settle(user, now)
    }

    /// Expects somebody whom others know to be as `there` says: who has not come by `until` is gone. A status of
    /// offline is that of an invisible user. Nothing happens if the user is known here already.
    pub fn adopt(&mut self, there: Presence, until: u64, now: Moment) {
        let name = there.user.clone();
        let Entry::Vacant(place) = self.users.entry(name.clone()) else { return };
        place.insert(User::expected(there, until, now, &self.timings));
        self.schedule(&name, now);
    }

    /// Another shard says that a device is connected to it, which holds until `until`. How the user is shown follows
    /// it only while no device is connected here.
    pub fn vouch(&mut self, there: &Presence, until: u64, now: Moment) -> Option<Presence> {
        let timings = self.timings;
        let user = self
            .users
            .entry(there.user.clone())
            .or_insert_with(|| User::absent(there.user.clone(), there.last_seen, now));
        user.take_over(there, now, &timings);
        user.vouch(until);
        self.settle(&there.user, now)
    }

    /// Another shard says that the device is gone, and that its grace is over.
    pub fn vouch_no_more(&mut self, gone: &Presence, now: Moment) -> Option<Presence> {
        self.users.get_mut(&gone.user)?.vouch_no_more(gone.last_seen);
        self.settle(&gone.user, now)
    }

    /// Gives the changes that time alone has brought, in order.
    pub fn advance(&mut self, now: Moment) -> Vec<Presence> {
        let mut changes = Vec::new();
        while let Some((at, user)) = self.alarms.first().cloned()
            && at <= now.elapsed
        {
            self.alarms.pop_first();
            if let Some(known) = self.users.get_mut(&user) {
                known.alarm = None;
            }
            changes.extend(self.settle(&user, now));
        }
        changes
    }

    /// Says when [`Availability::advance`] may have something to do, on the clock that only grows.
    pub fn next_deadline(&self) -> Option<u64> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Says how a user is as others were told, if the user is there or was within the grace.
    pub fn presence(&self, user: &Username) -> Option<&Presence> {
        self.users.get(user).map(User::shown)
    }

    /// Says the same with `last_seen` brought up to date, for the store, so that a successor knows it; nothing for
    /// somebody who is not there, or has only just come and is not shown yet. It betrays no more of somebody invisible.
    pub fn record(&self, user: &Username, now: Moment) -> Option<Presence> {
        let known = self.users.get(user).filter(|known| !known.is_arriving())?;
        let mut presence = known.shown().clone();
        if presence.status != Status::Offline && known.has_sessions() {
            presence.last_seen = presence.last_seen.max(Some(now.wall));
        }
        Some(presence)
    }

    /// Gives those who have gone since the last call, shown or not, as others see them: who is not in the store as gone
    /// would be expected by a successor.
    pub fn take_departed(&mut self) -> Vec<Presence> {
        std::mem::take(&mut self.departed)
    }

    /// Says whether a device of the user is connected here.
    pub fn is_connected(&self, user: &Username) -> bool {
        self.users.get(user).is_some_and(User::has_sessions)
    }

    /// Gives everybody who is known, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Username> {
        self.users.keys()
    }

    /// Forgets, without a word to others, those of whom `belongs_elsewhere` is true and who have no device here.
    pub fn forget(&mut self, belongs_elsewhere: impl Fn(&Username) -> bool) {
        let alarms = &mut self.alarms;
        self.users.retain(|name, user| {
            let keep = user.has_sessions() || !belongs_elsewhere(name);
            if !keep && let Some(at) = user.alarm {
                alarms.remove(&(at, name.clone()));
            }
            keep
        });
    }

    /// Gives how many are known.
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Says whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    fn connected_user(&mut self, user: &Username) -> Option<&mut User> {
        self.users.get_mut(user).filter(|known| known.has_sessions())
    }

    /// Gives what has changed for others, forgets who is gone, and sets the alarm.
    fn settle(&mut self, name: &Username, now: Moment) -> Option<Presence> {
        let user = self.users.get_mut(name)?;
        let change = user.refresh(now);
        if user.is_there(now) {
            self.schedule(name, now);
        } else {
            if let Some(at) = user.alarm {
                self.alarms.remove(&(at, name.clone()));
            }
            self.departed.push(user.shown().clone());
            self.users.remove(name);
        }
        change
    }

    /// Moves the alarm if it would ring too late. Activity, which only puts it off, leaves it alone.
    fn schedule(&mut self, name: &Username, now: Moment) {
        let Some(user) = self.users.get_mut(name) else { return };
        let Some(at) = user.deadline(now) else { return };
        if user.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        if let Some(alarm) = user.alarm.replace(at) {
            self.alarms.remove(&(alarm, name.clone()));
        }
        self.alarms.insert((at, name.clone()));
    }
}
