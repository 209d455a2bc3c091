//! Races that sockets would show seldom.
#![expect(clippy::unwrap_used, reason = "test")]

use std::sync::Arc;

use availability::{Departure, Moment, SessionId};
use placement::{Assignment, BUCKETS, Epoch, Member, Table};
use ports::PresenceRecord;
use protocol::hint::{Envelope, Hint};
use protocol::presence::{Presence, Status};
use protocol::{CloseCode, LoginId, Shard, Timestamp, Username};

use super::{Contacts, Recipients, State};
use crate::options::PresenceOptions;
use crate::ownership::Ownership;
use crate::socket::Socket;

const EPOCH: u64 = 7;

fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}

fn at(elapsed: u64) -> Moment {
    Moment { elapsed, wall: Timestamp(1_764_000_000_000 + elapsed) }
}

/// A table by which all users belong to `owner`.
fn owned_by(owner: &str, epoch: u64) -> Ownership {
    let member = |name: &str| Member {
        shard: Shard::new(name).unwrap(),
        url: format!("ws://{name}"),
        weight: placement::ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    };
    let members = vec![member("here"), member("there")];
    let owners = vec![u8::from(owner == "there"); BUCKETS];
    let presence = Assignment::new(members, owners).unwrap();
    let table = Table { epoch: Epoch::try_from(epoch).unwrap(), chat: presence.clone(), presence };
    Ownership::new(Shard::new("here").unwrap(), Arc::new(table))
}

fn state(owner: &str) -> State {
    State::new(&PresenceOptions::default(), owned_by(owner, EPOCH))
}

fn record(user: &str, status: Status, connected: bool) -> PresenceRecord {
    PresenceRecord {
        username: name(user),
        status,
        last_seen: None,
        status_text: None,
        connected,
        epoch: EPOCH,
    }
}

fn socket(user: &str, number: u64) -> Arc<Socket> {
    Arc::new(Socket::new(SessionId(number), name(user), LoginId([1; 16]), 10_000))
}

fn contacts(names: &[&str], reading: u64) -> Contacts {
    Contacts { names: names.iter().map(|contact| name(contact)).collect(), reading }
}

/// A user connects, sees contacts, and is shown.
fn come(state: &mut State, user: &str, seen: &[&str], now: Moment) -> Arc<Socket> {
    let socket = socket(user, now.elapsed);
    state.seat(&socket, 8).unwrap();
    state.arrive(&socket, None, &contacts(seen, 1), now.elapsed, now);
    state.open(&socket);
    state.advance(at(now.elapsed + 300));
    socket
}

fn hear(state: &mut State, user: &str, status: Status, epoch: u64, now: Moment) {
    let presence = Presence { user: name(user), status, last_seen: None, status_text: None };
    let hint = Hint::Presence { users: vec![presence] };
    state.hear(Envelope { epoch, passed_on: false, hint }, now);
}

#[test]
fn a_record_from_before_does_not_bring_back_somebody_who_has_gone() {
    let mut state = state("here");
    let ada = come(&mut state, "ada", &[], at(0));
    state.leave(&ada, Departure::LoggedOut, at(10_000));
    state.note_departures(at(10_000));
    state.adopt(&record("ada", Status::Online, true), 14_000, at(14_001));
    assert!(state.availability.presence(&name("ada")).is_none());
    state.adopt(&record("ada", Status::Online, true), 15_001, at(15_002));
    assert!(state.availability.presence(&name("ada")).is_some());
}

#[test]
fn a_sweep_does_not_outweigh_a_hint_that_came_shortly_before() {
    let mut state = state("there");
    come(&mut state, "bob", &["ada"], at(0));
    hear(&mut state, "ada", Status::Busy, EPOCH, at(20_000));
    state.correct(&record("ada", Status::Online, true), 24_999, at(25_000));
    assert_eq!(state.sight_of(&name("ada")).status, Status::Busy);
    state.correct(&record("ada", Status::Online, true), 25_000, at(25_001));
    assert_eq!(state.sight_of(&name("ada")).status, Status::Online);
}

#[test]
fn a_gained_user_who_left_unnoticed_is_corrected_by_the_store() {
    let mut state = state("there");
    come(&mut state, "bob", &["ada"], at(0));
    hear(&mut state, "ada", Status::Online, EPOCH, at(1_000));
    // That Ada left was told by a hint that was lost, and by her record.
    state.take_table(owned_by("here", EPOCH + 1), at(2_000));
    assert_eq!(state.watched_elsewhere(), [name("ada")]);
    state.correct(&record("ada", Status::Offline, false), 20_000, at(20_001));
    assert_eq!(state.sight_of(&name("ada")).status, Status::Offline);
}

#[test]
fn a_login_that_has_just_ended_is_not_let_in() {
    let mut state = state("here");
    state.end_login(LoginId([1; 16]), &name("ada"), at(0));
    assert_eq!(state.seat(&socket("ada", 1), 8), Err(CloseCode::Unauthenticated));
    state.forget_old(at(120_001));
    assert_eq!(state.seat(&socket("ada", 1), 8), Ok(false));
}

#[test]
fn an_earlier_reading_of_contacts_does_not_replace_a_later_one() {
    let mut state = state("here");
    come(&mut state, "bob", &["ada"], at(0));
    assert_eq!(state.set_visible(&name("bob"), &contacts(&["eve"], 3), at(400)), [name("eve")]);
    assert!(state.set_visible(&name("bob"), &contacts(&["ada"], 2), at(500)).is_empty());
    assert_eq!(state.roster.visible(&name("bob")).unwrap().as_ref(), [name("eve")]);
}

#[test]
fn nothing_is_kept_of_those_who_have_gone() {
    let mut state = state("here");
    let ada = come(&mut state, "ada", &["bob", "eve"], at(0));
    state.leave(&ada, Departure::Closed, at(1_000));
    state.note_departures(at(1_000));
    assert_eq!(state.leaving.len(), 1);
    state.advance(at(6_000));
    state.note_departures(at(6_000));
    state.take_records(at(6_000));
    let changes = state.take_changes();
    assert!(matches!(&changes[0].to, Recipients::Watchers(Some(contacts)) if contacts.len() == 2));
    state.forget_old(at(200_000));
    assert_eq!(state.roster.counts(), (0, 0));
    assert_eq!(state.watchlist.names().count(), 0);
    assert!(state.leaving.is_empty() && state.departed_at.is_empty() && state.availability.is_empty());
    assert!(!state.outgoing.has_records());
}

#[test]
fn somebody_of_another_shard_who_is_here_is_vouched_for_and_not_written() {
    let mut state = state("there");
    let guest = come(&mut state, "ada", &["bob"], at(0));
    let told = state.take_changes();
    assert!(matches!(told[..], [ref change] if matches!(change.to, Recipients::Owner)));
    assert!(state.take_records(at(400)).is_empty());
    state.vouch_for_guests();
    assert_eq!(state.take_changes().len(), 1);
    // Home again: the watchers are told, and the record is ours to write.
    state.take_table(owned_by("here", EPOCH + 1), at(500));
    assert!(matches!(state.take_changes()[0].to, Recipients::Watchers(Some(_))));
    assert_eq!(state.take_records(at(500))[0].epoch, EPOCH + 1);
    state.leave(&guest, Departure::Closed, at(600));
}

#[test]
fn a_table_that_is_not_newer_changes_nothing() {
    let mut state = state("here");
    let transfer = state.take_table(owned_by("there", EPOCH), at(0));
    assert!(transfer.gained.is_empty() && state.ownership().owns(&name("ada")));
}

#[test]
fn a_change_does_not_come_before_the_snapshot() {
    let mut state = state("there");
    let bob = socket("bob", 1);
    state.seat(&bob, 8).unwrap();
    state.arrive(&bob, None, &contacts(&["ada"], 1), 0, at(0));
    hear(&mut state, "ada", Status::Busy, EPOCH, at(1));
    assert_eq!(bob.queue.bytes(), 0);
    state.open(&bob);
    let snapshot = bob.queue.bytes();
    assert!(snapshot > 0);
    hear(&mut state, "ada", Status::Away, EPOCH, at(2));
    assert!(bob.queue.bytes() > snapshot);
}

#[test]
fn the_sight_of_somebody_who_belongs_elsewhere_is_the_owners() {
    let mut state = state("there");
    come(&mut state, "bob", &["ada"], at(0));
    come(&mut state, "ada", &["bob"], at(1));
    assert_eq!(state.sight_of(&name("ada")).status, Status::Offline);
    hear(&mut state, "ada", Status::Busy, EPOCH, at(1_000));
    assert_eq!(state.sight_of(&name("ada")).status, Status::Busy);
}
