//! Who is connected here, by which sockets, and whom they may see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use protocol::{LoginId, Username};

use crate::socket::Socket;

/// The users with a socket here.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    people: BTreeMap<Username, Person>,
    sockets: usize,
}

#[derive(Debug)]
struct Person {
    /// In the order in which they came.
    seats: Vec<Seat>,
    /// The contacts who see each other, in order of their names; nothing until they are known.
    visible: Arc<[Username]>,
    /// Which reading of the store they are from: an earlier one does not replace them.
    reading: u64,
}

#[derive(Debug)]
struct Seat {
    socket: Arc<Socket>,
    /// Whether the first snapshot was sent: changes come after it.
    open: bool,
    /// Which of the visible contacts the client does not follow.
    unfollowed: BTreeSet<Username>,
}

impl Roster {
    /// Adds a socket. Gives the oldest one of the user that has to make room, if there are more than `max` now.
    pub(crate) fn seat(&mut self, socket: &Arc<Socket>, max: usize) -> Option<Arc<Socket>> {
        let person = self.people.entry(socket.user.clone()).or_insert_with(|| Person {
            seats: Vec::new(),
            visible: Arc::new([]),
            reading: 0,
        });
        person.seats.push(Seat { socket: socket.clone(), open: false, unfollowed: BTreeSet::new() });
        self.sockets += 1;
        let mut staying = person.seats.iter().filter(|seat| !seat.socket.is_ending());
        let oldest = staying.next()?.socket.clone();
        (1 + staying.count() > max).then_some(oldest)
    }

    /// Removes a socket. Gives whom its user saw, if it was the last one.
    pub(crate) fn unseat(&mut self, socket: &Socket) -> Option<Arc<[Username]>> {
        let person = self.people.get_mut(&socket.user)?;
        let before = person.seats.len();
        person.seats.retain(|seat| seat.socket.session != socket.session);
        self.sockets -= before - person.seats.len();
        if !person.seats.is_empty() {
            return None;
        }
        self.people.remove(&socket.user).map(|person| person.visible)
    }

    /// Marks that a socket has its snapshot.
    pub(crate) fn open(&mut self, socket: &Socket) {
        if let Some(seat) = self.seat_of(socket) {
            seat.open = true;
        }
    }

    /// Says whether whom a user sees may be replaced by what such a reading of the store gave.
    pub(crate) fn is_newer(&self, user: &Username, reading: u64) -> bool {
        self.people.get(user).is_some_and(|person| person.reading < reading)
    }

    /// Replaces whom a user sees; who is no longer seen is no longer left out either.
    pub(crate) fn set_visible(&mut self, user: &Username, visible: Arc<[Username]>, reading: u64) {
        if let Some(person) = self.people.get_mut(user) {
            for seat in &mut person.seats {
                seat.unfollowed.retain(|name| visible.binary_search(name).is_ok());
            }
            (person.visible, person.reading) = (visible, reading);
        }
    }

    /// Gives whom a user sees, in order of their names; nothing for somebody who is not connected here.
    pub(crate) fn visible(&self, user: &Username) -> Option<&Arc<[Username]>> {
        self.people.get(user).map(|person| &person.visible)
    }

    /// Lets a socket follow a contact, or no more. Gives the contact if its user may see it.
    pub(crate) fn follow(&mut self, socket: &Socket, contact: &Username, follow: bool) -> Option<Username> {
        let visible = self.visible(&socket.user)?.clone();
        let contact = &visible[visible.binary_search(contact).ok()?];
        let seat = self.seat_of(socket)?;
        if follow {
            seat.unfollowed.remove(contact);
        } else {
            seat.unfollowed.insert(contact.clone());
        }
        Some(contact.clone())
    }

    /// Queues a frame about a contact on those of a user's sockets that follow it.
    pub(crate) fn deliver(&self, user: &Username, about: &Username, frame: &Bytes) {
        let seats = self.people.get(user).into_iter().flat_map(|person| &person.seats);
        for seat in seats.filter(|seat| seat.open && !seat.unfollowed.contains(about)) {
            seat.socket.push(frame.clone());
        }
    }

    /// Gives a user's sockets that have their snapshot.
    pub(crate) fn open_sockets(&self, user: &Username) -> impl Iterator<Item = &Arc<Socket>> {
        let seats = self.people.get(user).into_iter().flat_map(|person| &person.seats);
        seats.filter(|seat| seat.open).map(|seat| &seat.socket)
    }

    /// Gives a user's sockets of one login.
    pub(crate) fn sockets_of_login(
        &self,
        user: &Username,
        login: LoginId,
    ) -> impl Iterator<Item = &Arc<Socket>> {
        let seats = self.people.get(user).into_iter().flat_map(|person| &person.seats);
        seats.map(|seat| &seat.socket).filter(move |socket| socket.login == login)
    }

    /// Gives every socket.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &Arc<Socket>> {
        self.people.values().flat_map(|person| &person.seats).map(|seat| &seat.socket)
    }

    /// Gives everybody who is connected.
    pub(crate) fn users(&self) -> impl Iterator<Item = &Username> {
        self.people.keys()
    }

    /// Says whether a user is connected.
    pub(crate) fn contains(&self, user: &Username) -> bool {
        self.people.contains_key(user)
    }

    /// Counts users and sockets.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.people.len(), self.sockets)
    }

    fn seat_of(&mut self, socket: &Socket) -> Option<&mut Seat> {
        let seats = &mut self.people.get_mut(&socket.user)?.seats;
        seats.iter_mut().find(|seat| seat.socket.session == socket.session)
    }
}
