//! Devices, and when their connections were open.

use std::collections::BTreeMap;

use protocol::Username;

use super::{Index, NEVER, Span};
use crate::history::{ConnectionId, DeviceId, Happened, Moment};

/// A connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) device: DeviceId,
    pub(crate) user: &'a Username,
    /// From its `welcome` to its end, as its device knows.
    pub(crate) span: Span,
}

/// The connections of one kind.
#[derive(Default)]
pub(crate) struct Links<'a> {
    by_id: BTreeMap<ConnectionId, Link<'a>>,
    by_user: BTreeMap<&'a Username, Vec<ConnectionId>>,
}

/// Devices and their connections.
#[derive(Default)]
pub(crate) struct People<'a> {
    owners: BTreeMap<DeviceId, &'a Username>,
    /// The connections on `/chat`.
    pub(crate) chat: Links<'a>,
    /// The connections on `/presence`.
    pub(crate) presence: Links<'a>,
}

impl<'a> People<'a> {
    pub(super) fn read(moments: &'a [Moment]) -> Self {
        let mut people = Self::default();
        for (index, moment) in moments.iter().enumerate() {
            match &moment.what {
                Happened::Device { device, user } => drop(people.owners.insert(*device, user)),
                Happened::Opened { device, connection, .. } => {
                    people.chat.open(*connection, *device, people.owners.get(device), index);
                }
                Happened::PresenceOpened { device, connection } => {
                    people.presence.open(*connection, *device, people.owners.get(device), index);
                }
                Happened::Closed { connection, .. } => people.chat.close(*connection, index),
                Happened::PresenceClosed { connection, .. } => people.presence.close(*connection, index),
                _ => {}
            }
        }
        people
    }

    /// Gives whose a device is.
    pub(crate) fn owner(&self, device: DeviceId) -> Option<&'a Username> {
        self.owners.get(&device).copied()
    }
}

impl<'a> Links<'a> {
    /// Gives a connection.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Link<'a>> {
        self.by_id.get(&id)
    }

    /// Gives all of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Link<'a>> {
        self.by_id.values()
    }

    /// Gives a user's, in the order of their beginning.
    pub(crate) fn of(&self, user: &Username) -> impl Iterator<Item = &Link<'a>> {
        let ids = self.by_user.get(user).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id))
    }

    /// Gives when a user had none.
    pub(crate) fn absences(&self, user: &Username) -> Vec<Span> {
        let (mut absences, mut reach) = (Vec::new(), 0);
        for Link { span, .. } in self.of(user) {
            if span.from > reach {
                absences.push(Span { from: reach, until: span.from });
            }
            reach = reach.max(span.until);
        }
        if reach < NEVER {
            absences.push(Span { from: reach, until: NEVER });
        }
        absences
    }

    /// Gives the users who ever had one.
    pub(crate) fn users(&self) -> impl Iterator<Item = &'a Username> {
        self.by_user.keys().copied()
    }

    fn open(&mut self, id: ConnectionId, device: DeviceId, user: Option<&&'a Username>, index: Index) {
        let Some(user) = user.copied() else { return };
        let span = Span { from: index, until: NEVER };
        if self.by_id.insert(id, Link { id, device, user, span }).is_none() {
            self.by_user.entry(user).or_default().push(id);
        }
    }

    fn close(&mut self, id: ConnectionId, index: Index) {
        if let Some(link) = self.by_id.get_mut(&id) {
            link.span.until = link.span.until.min(index);
        }
    }
}
