//! One user: sessions, choices, and what follows for others.

use protocol::presence::{ChosenStatus, Presence, Status};
use protocol::{Timestamp, Username};

use crate::{Moment, Timings};

/// A connected device; the caller gives each a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Its connection closed: the device may come back at once, and has the grace for it.
    Closed,
    /// It was silent for too long: that time was its grace.
    Silent {
        /// When something last came from it.
        last_heard: Timestamp,
    },
    /// Its login ended: it does not come back.
    LoggedOut,
}

/// What is known of a user who is there, or was a moment ago.
#[derive(Clone, Debug)]
pub(crate) struct User {
    sessions: Vec<SessionId>,
    chosen: ChosenStatus,
    status_text: Option<String>,
    /// Until when the user counts as there without a session.
    grace_until: u64,
    /// Until when another shard's word holds that a device is connected to it.
    vouched_until: u64,
    /// Until when the user, who was there under another owner, is expected to come.
    expected_until: u64,
    /// When the user, who has only just come, is first shown.
    arrives_at: Option<u64>,
    /// When the user counts as inactive.
    inactive_from: u64,
    /// When the user last did something.
    active_at: Timestamp,
    /// When the last session ended.
    left_at: Option<Timestamp>,
    /// What others were last told.
    shown: Presence,
    /// When the user is to be looked at again, as the timers know it.
    pub(crate) alarm: Option<u64>,
}

impl User {
    /// Makes a user who is not there.
    pub(crate) fn absent(name: Username, last_seen: Option<Timestamp>, now: Moment) -> Self {
        Self {
            sessions: Vec::new(),
            chosen: ChosenStatus::Online,
            status_text: None,
            grace_until: 0,
            vouched_until: 0,
            expected_until: 0,
            arrives_at: None,
            inactive_from: now.elapsed,
            active_at: now.wall,
            left_at: None,
            shown: Presence { user: name, status: Status::Offline, last_seen, status_text: None },
            alarm: None,
        }
    }

    /// Makes a user who is there as others know already, and is expected to come until then.
    pub(crate) fn expected(there: Presence, until: u64, now: Moment, timings: &Timings) -> Self {
        let mut user = Self::absent(there.user.clone(), there.last_seen, now);
        user.take_over(&there, now, timings);
        user.left_at = there.last_seen;
        user.expected_until = until;
        user.shown = there;
        user
    }

    /// Says what others were last told.
    pub(crate) fn shown(&self) -> &Presence {
        &self.shown
    }

    /// Says whether a device is connected here.
    pub(crate) fn has_sessions(&self) -> bool {
        !self.sessions.is_empty()
    }

    /// Says whether the user counts as there, shown or not.
    pub(crate) fn is_there(&self, now: Moment) -> bool {
        self.has_sessions() || now.elapsed < self.absence_ends_at()
    }

    /// Says when the user is gone, if no device comes until then.
    fn absence_ends_at(&self) -> u64 {
        self.grace_until.max(self.vouched_until).max(self.expected_until)
    }

    /// Says whether the user has come but is not shown yet.
    pub(crate) fn is_arriving(&self) -> bool {
        self.arrives_at.is_some()
    }

    /// A session begins. It is no activity where the user was there: a device may come back on its own. Whoever is
    /// still shown as there comes in time, even if the grace has just run out.
    pub(crate) fn connect(&mut self, session: SessionId, now: Moment, timings: &Timings) {
        if !self.is_there(now) && self.shown.status == Status::Offline {
            self.arrives_at = Some(now.elapsed + timings.arrival);
            self.be_active(now, timings);
        }
        self.expected_until = 0;
        if !self.sessions.contains(&session) {
            self.sessions.push(session);
        }
    }

    /// A session ends; says whether there was one.
    pub(crate) fn disconnect(
        &mut self,
        session: SessionId,
        departure: Departure,
        now: Moment,
        timings: &Timings,
    ) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|known| *known != session);
        if self.sessions.len() == before {
            return false;
        }
        let (grace, left_at) = match departure {
            Departure::Closed => (timings.grace, now.wall),
            Departure::Silent { last_heard } => (0, last_heard),
            Departure::LoggedOut => (0, now.wall),
        };
        self.left_at = self.left_at.max(Some(left_at));
        if self.is_arriving() {
            // Nobody was told of the user, so there is nothing to hold.
            if !self.has_sessions() {
                self.arrives_at = None;
            }
        } else {
            self.grace_until = self.grace_until.max(now.elapsed + grace);
        }
        true
    }

    /// The user says how to be shown. Saying the same again is no activity: clients repeat it when they come back.
    pub(crate) fn choose(
        &mut self,
        chosen: ChosenStatus,
        status_text: Option<String>,
        now: Moment,
        timings: &Timings,
    ) {
        let status_text = match status_text {
            Some(text) if text.is_empty() => None,
            Some(text) => Some(text),
            None => self.status_text.clone(),
        };
        self.arrives_at = None;
        if (chosen, &status_text) != (self.chosen, &self.status_text) {
            self.chosen = chosen;
            self.status_text = status_text;
            self.be_active(now, timings);
        }
    }

    /// The user does something.
    pub(crate) fn be_active(&mut self, now: Moment, timings: &Timings) {
        self.active_at = now.wall;
        self.inactive_from = now.elapsed + timings.inactivity;
    }

    /// Takes what another shard says of the user, unless this one knows better from a session of its own.
    pub(crate) fn take_over(&mut self, there: &Presence, now: Moment, timings: &Timings) {
        if self.has_sessions() {
            return;
        }
        // Away may have been chosen or have come by itself; as a choice it would never end.
        self.chosen = match there.status {
            Status::Online | Status::Away => ChosenStatus::Online,
            Status::Busy => ChosenStatus::Busy,
            Status::Offline => ChosenStatus::Invisible,
        };
        self.status_text.clone_from(&there.status_text);
        if there.status == Status::Away {
            self.inactive_from = now.elapsed;
            self.active_at = there.last_seen.unwrap_or(now.wall);
        } else {
            self.be_active(now, timings);
        }
        self.left_at = self.left_at.max(Some(now.wall));
    }

    /// Another shard has a device of the user, until then at least.
    pub(crate) fn vouch(&mut self, until: u64) {
        self.vouched_until = self.vouched_until.max(until);
        self.expected_until = 0;
    }

    /// Another shard has no device of the user any more, and has waited for one.
    pub(crate) fn vouch_no_more(&mut self, last_seen: Option<Timestamp>) {
        self.vouched_until = 0;
        self.expected_until = 0;
        self.left_at = self.left_at.max(last_seen);
    }

    /// Derives the status as others see it.
    fn status(&self, now: Moment) -> Status {
        if !self.is_there(now) || self.is_arriving() {
            return Status::Offline;
        }
        match self.chosen {
            ChosenStatus::Invisible => Status::Offline,
            ChosenStatus::Busy => Status::Busy,
            ChosenStatus::Away => Status::Away,
            ChosenStatus::Online if now.elapsed >= self.inactive_from => Status::Away,
            ChosenStatus::Online => Status::Online,
        }
    }

    /// Gives what others are to be told, if it differs from what they know.
    pub(crate) fn refresh(&mut self, now: Moment) -> Option<Presence> {
        self.arrives_at = self.arrives_at.filter(|at| now.elapsed < *at);
        let status = self.status(now);
        let status_text = if status == Status::Offline { None } else { self.status_text.clone() };
        if status == self.shown.status && status_text == self.shown.status_text {
            return None;
        }
        let last_seen = match status {
            Status::Offline if !self.is_there(now) => self.left_at,
            Status::Away if self.chosen == ChosenStatus::Online => Some(self.active_at),
            _ => Some(now.wall),
        };
        let user = self.shown.user.clone();
        self.shown = Presence { user, status, last_seen: last_seen.max(self.shown.last_seen), status_text };
        Some(self.shown.clone())
    }

    /// Says when the user may look different, or be gone, without anything else happening.
    pub(crate) fn deadline(&self, now: Moment) -> Option<u64> {
        let end = (!self.has_sessions()).then(|| self.absence_ends_at());
        let inactivity = (self.status(now) == Status::Online).then_some(self.inactive_from);
        [self.arrives_at, end, inactivity].into_iter().flatten().min()
    }
}
