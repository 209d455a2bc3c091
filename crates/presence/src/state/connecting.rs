//! Sockets that come and go, and what their users say and see.

use std::sync::Arc;

use availability::{Departure, Moment};
use ports::PresenceRecord;
use protocol::presence::{ChosenStatus, Presence, ServerFrame, Status};
use protocol::{CloseCode, LoginId, Username};

use super::{State, absent, sight};
use crate::socket::Socket;

/// Whom a user may see, as the store says.
#[derive(Debug)]
pub(crate) struct Contacts {
    /// The contacts.
    pub(crate) names: Vec<Username>,
    /// The number of the reading; one that began later has a greater one.
    pub(crate) reading: u64,
}

impl State {
    /// Gives a socket its place. Says whether its user is known, and so needs no record from the store.
    ///
    /// # Errors
    /// The login has just ended.
    pub(crate) fn seat(&mut self, socket: &Arc<Socket>, max: usize) -> Result<bool, CloseCode> {
        if self.ended_logins.contains_key(&socket.login) {
            return Err(CloseCode::Unauthenticated);
        }
        if let Some(oldest) = self.roster.seat(socket, max) {
            oldest.end(CloseCode::Replaced, Departure::Closed);
        }
        Ok(self.availability.presence(&socket.user).is_some())
    }

    /// The user of a seated socket is there. `record` is what the store knew since `read_at`. Gives whom the user sees for the first time.
    pub(crate) fn arrive(
        &mut self,
        socket: &Socket,
        record: Option<&PresenceRecord>,
        contacts: &Contacts,
        read_at: u64,
        now: Moment,
    ) -> Vec<Username> {
        if let Some(record) = record {
            self.adopt(record, read_at, now);
            if record.connected && !self.ownership.owns(&record.username) {
                // As the owner has it; not expected here, since the user has come.
                self.availability.adopt(sight(record), now.elapsed, now);
            }
        }
        let last_seen = record.and_then(|record| record.last_seen);
        let change = self.availability.connect(&socket.user, socket.session, last_seen, now);
        self.outgoing.touched.insert(socket.user.clone());
        self.leaving.remove(&socket.user);
        let new = self.set_visible(&socket.user, contacts, now);
        if let Some(change) = change {
            self.publish(change, now);
        } else {
            self.vouch_for(&socket.user);
        }
        new
    }

    /// Sends a socket its first snapshot; changes follow. Gives how many users it shows.
    pub(crate) fn open(&mut self, socket: &Socket) -> usize {
        let visible = self.roster.visible(&socket.user).cloned().unwrap_or_default();
        socket.send_snapshot(visible.iter().map(|contact| self.sight_of(contact)).collect());
        self.roster.open(socket);
        visible.len()
    }

    /// A socket is gone.
    pub(crate) fn leave(&mut self, socket: &Socket, departure: Departure, now: Moment) {
        if let Some(visible) = self.roster.unseat(socket) {
            for contact in &*visible {
                self.watchlist.unwatch(contact, &socket.user);
            }
            self.leaving.insert(socket.user.clone(), visible);
        }
        if let Some(change) = self.availability.disconnect(&socket.user, socket.session, departure, now) {
            self.publish(change, now);
        }
    }

    /// A user says how to be shown, and the user's other devices are told.
    pub(crate) fn choose(
        &mut self,
        socket: &Socket,
        status: ChosenStatus,
        status_text: Option<String>,
        now: Moment,
    ) {
        let change = self.availability.choose(&socket.user, status, status_text, now);
        self.outgoing.touched.insert(socket.user.clone());
        let Some(change) = change else { return };
        let frame = websocket::text(&ServerFrame::Presence(change.clone()).encode());
        for other in self.roster.open_sockets(&socket.user).filter(|other| other.session != socket.session) {
            other.push(frame.clone());
        }
        self.publish(change, now);
    }

    /// A user does something.
    pub(crate) fn active(&mut self, user: &Username, now: Moment) {
        if let Some(change) = self.availability.active(user, now) {
            self.publish(change, now);
        }
    }

    /// A socket follows these users, and sees how they are; of those that are not its user's to see it learns nothing.
    pub(crate) fn subscribe(&mut self, socket: &Socket, users: &[Username]) {
        let mut followed: Vec<Username> =
            users.iter().filter_map(|user| self.roster.follow(socket, user, true)).collect();
        followed.sort_unstable();
        followed.dedup();
        socket.send_snapshot(followed.iter().map(|contact| self.sight_of(contact)).collect());
    }

    /// A socket follows these users no more.
    pub(crate) fn unsubscribe(&mut self, socket: &Socket, users: &[Username]) {
        for user in users {
            self.roster.follow(socket, user, false);
        }
    }

    /// A login has ended: its sockets close, and no others.
    pub(crate) fn end_login(&mut self, login: LoginId, user: &Username, now: Moment) {
        self.ended_logins.insert(login, now.elapsed);
        for socket in self.roster.sockets_of_login(user, login) {
            socket.end(CloseCode::Unauthenticated, Departure::LoggedOut);
        }
    }

    /// Takes over whom a user sees now: who is no longer seen looks offline. Gives who is seen for the first time.
    pub(crate) fn set_visible(&mut self, user: &Username, contacts: &Contacts, now: Moment) -> Vec<Username> {
        if !self.roster.is_newer(user, contacts.reading) {
            return Vec::new();
        }
        let mut visible: Vec<Username> =
            contacts.names.iter().map(|contact| self.watchlist.watch(contact, user)).collect();
        visible.sort_unstable();
        visible.dedup();
        for contact in &visible {
            if let Some(presence) = self.own_presence(contact).cloned() {
                self.watchlist.fill(presence, self.ownership.epoch(), now.elapsed);
            }
        }
        let before = self.roster.visible(user).cloned().unwrap_or_default();
        for lost in before.iter().filter(|contact| visible.binary_search(contact).is_err()) {
            self.lose_sight(user, lost);
        }
        let new = visible.iter().filter(|contact| before.binary_search(contact).is_err()).cloned().collect();
        self.roster.set_visible(user, visible.into(), contacts.reading);
        new
    }

    /// Shows a user contacts that have just become visible.
    pub(crate) fn show(&self, user: &Username, contacts: &[Username]) {
        if contacts.is_empty() {
            return;
        }
        let users: Vec<Presence> = contacts.iter().map(|contact| self.sight_of(contact)).collect();
        for socket in self.roster.open_sockets(user) {
            socket.send_snapshot(users.clone());
        }
    }

    fn lose_sight(&mut self, user: &Username, contact: &Username) {
        if self.watchlist.presence(contact).is_some_and(|presence| presence.status != Status::Offline) {
            let frame = websocket::text(&ServerFrame::Presence(absent(contact)).encode());
            self.roster.deliver(user, contact, &frame);
        }
        self.watchlist.unwatch(contact, user);
    }
}
