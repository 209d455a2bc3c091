//! The rules one by one.
#![expect(clippy::unwrap_used, reason = "test")]

use availability::{Availability, Departure, Moment, SessionId, Timings};
use protocol::presence::{ChosenStatus, Presence, Status};
use protocol::{Timestamp, Username};

const TIMINGS: Timings = Timings { grace: 5_000, inactivity: 300_000, arrival: 300 };
const EPOCH: u64 = 1_764_000_000_000;
const PHONE: SessionId = SessionId(1);
const LAPTOP: SessionId = SessionId(2);

fn at(elapsed: u64) -> Moment {
    Moment { elapsed, wall: Timestamp(EPOCH + elapsed) }
}

fn ada() -> Username {
    Username::new("ada").unwrap()
}

fn presence(status: Status, last_seen: u64) -> Presence {
    Presence { user: ada(), status, last_seen: Some(Timestamp(EPOCH + last_seen)), status_text: None }
}

/// Ada has come at 0 and is shown as online.
fn online() -> Availability {
    let mut core = Availability::new(TIMINGS);
    assert_eq!(core.connect(&ada(), PHONE, None, at(0)), None);
    assert_eq!(core.advance(at(300)), [presence(Status::Online, 300)]);
    core
}

#[test]
fn a_clean_close_shows_after_the_grace_with_the_time_of_the_close() {
    let mut core = online();
    assert_eq!(core.disconnect(&ada(), PHONE, Departure::Closed, at(1_000)), None);
    assert_eq!(core.advance(at(5_999)), []);
    assert_eq!(core.advance(at(6_000)), [presence(Status::Offline, 1_000)]);
}

#[test]
fn a_silent_death_shows_at_once_with_the_time_of_the_last_word() {
    let mut core = online();
    let departure = Departure::Silent { last_heard: Timestamp(EPOCH + 10_000) };
    assert_eq!(
        core.disconnect(&ada(), PHONE, departure, at(54_000)),
        Some(presence(Status::Offline, 10_000))
    );
    assert!(core.is_empty());
}

#[test]
fn the_grace_of_one_device_outlasts_the_death_of_another() {
    let mut core = online();
    core.connect(&ada(), LAPTOP, None, at(1_000));
    core.disconnect(&ada(), LAPTOP, Departure::Closed, at(50_000));
    let departure = Departure::Silent { last_heard: Timestamp(EPOCH + 7_000) };
    assert_eq!(core.disconnect(&ada(), PHONE, departure, at(51_000)), None);
    assert_eq!(core.connect(&ada(), LAPTOP, None, at(54_000)), None);
}

#[test]
fn a_logout_of_the_last_device_shows_at_once() {
    let mut core = online();
    assert_eq!(
        core.disconnect(&ada(), PHONE, Departure::LoggedOut, at(900)),
        Some(presence(Status::Offline, 900))
    );
}

#[test]
fn inactivity_of_all_devices_shows_as_away_and_activity_ends_it() {
    let mut core = online();
    core.connect(&ada(), LAPTOP, None, at(1_000));
    assert_eq!(core.active(&ada(), at(100_000)), None);
    assert_eq!(core.advance(at(399_999)), []);
    assert_eq!(core.advance(at(400_000)), [presence(Status::Away, 100_000)]);
    assert_eq!(core.active(&ada(), at(500_000)), Some(presence(Status::Online, 500_000)));
}

#[test]
fn busy_does_not_turn_into_away() {
    let mut core = online();
    assert_eq!(core.choose(&ada(), ChosenStatus::Busy, None, at(1_000)), Some(presence(Status::Busy, 1_000)));
    assert_eq!(core.advance(at(1_000_000)), []);
}

#[test]
fn a_device_that_comes_back_on_its_own_and_repeats_itself_does_not_wake_its_user() {
    let mut core = online();
    assert_eq!(
        core.advance(at(300_000)),
        [presence(Status::Away, 300)]
            .map(|away| Presence { last_seen: Some(Timestamp(EPOCH + 300)), ..away })
    );
    core.disconnect(&ada(), PHONE, Departure::Closed, at(400_000));
    assert_eq!(core.connect(&ada(), LAPTOP, None, at(401_000)), None);
    assert_eq!(core.choose(&ada(), ChosenStatus::Online, None, at(401_001)), None);
    assert_eq!(core.advance(at(402_000)), []);
}

#[test]
fn whoever_says_invisible_first_is_never_shown() {
    let mut core = Availability::new(TIMINGS);
    let monday = Timestamp(EPOCH - 86_400_000);
    assert_eq!(core.connect(&ada(), PHONE, Some(monday), at(0)), None);
    assert_eq!(core.record(&ada(), at(299)), None);
    assert_eq!(core.choose(&ada(), ChosenStatus::Invisible, Some("hidden".to_owned()), at(299)), None);
    assert_eq!(core.active(&ada(), at(400)), None);
    assert_eq!(core.advance(at(10_000)), []);
    let record = core.record(&ada(), at(10_000)).unwrap();
    assert_eq!((record.status, record.last_seen, record.status_text), (Status::Offline, Some(monday), None));
    assert!(core.is_connected(&ada()));
}

#[test]
fn whoever_leaves_before_being_shown_was_never_there() {
    let mut core = Availability::new(TIMINGS);
    core.connect(&ada(), PHONE, None, at(0));
    assert_eq!(core.disconnect(&ada(), PHONE, Departure::Closed, at(100)), None);
    assert_eq!(core.advance(at(300)), []);
    assert!(core.is_empty());
}

#[test]
fn whoever_leaves_before_being_shown_was_never_there_even_if_the_showing_was_due() {
    let mut core = Availability::new(TIMINGS);
    core.connect(&ada(), PHONE, None, at(0));
    assert_eq!(core.record(&ada(), at(301)), None);
    assert_eq!(core.disconnect(&ada(), PHONE, Departure::Closed, at(301)), None);
    assert!(core.is_empty());
}

#[test]
fn turning_invisible_looks_like_leaving() {
    let mut core = online();
    core.choose(&ada(), ChosenStatus::Online, Some("lunch".to_owned()), at(500)).unwrap();
    assert_eq!(
        core.choose(&ada(), ChosenStatus::Invisible, None, at(1_000)),
        Some(presence(Status::Offline, 1_000))
    );
    assert_eq!(core.disconnect(&ada(), PHONE, Departure::Closed, at(2_000)), None);
    assert_eq!(core.advance(at(10_000)), []);
}

#[test]
fn a_text_stays_until_an_empty_one_takes_it_away() {
    let mut core = online();
    let text = |change: Option<Presence>| change.unwrap().status_text;
    let lunch = Some("lunch".to_owned());
    assert_eq!(text(core.choose(&ada(), ChosenStatus::Online, lunch.clone(), at(500))), lunch);
    assert_eq!(text(core.choose(&ada(), ChosenStatus::Busy, None, at(600))), lunch);
    assert_eq!(text(core.choose(&ada(), ChosenStatus::Busy, Some(String::new()), at(700))), None);
}

#[test]
fn a_successor_announces_those_who_do_not_return_and_nobody_else() {
    let mut core = Availability::new(TIMINGS);
    core.adopt(presence(Status::Busy, 100), 45_000, at(1_000));
    let bob = Username::new("bob").unwrap();
    core.adopt(Presence { user: bob.clone(), ..presence(Status::Online, 200) }, 45_000, at(1_000));
    assert_eq!(core.connect(&ada(), PHONE, None, at(44_999)), None);
    let gone = Presence { user: bob, ..presence(Status::Offline, 200) };
    assert_eq!(core.advance(at(45_000)), [gone]);
    assert_eq!(core.presence(&ada()).unwrap().status, Status::Busy);
}

#[test]
fn whoever_has_returned_to_a_successor_has_the_grace_and_no_more() {
    let mut core = Availability::new(TIMINGS);
    core.adopt(presence(Status::Busy, 100), 45_000, at(1_000));
    core.connect(&ada(), PHONE, None, at(2_000));
    core.disconnect(&ada(), PHONE, Departure::Closed, at(3_000));
    assert_eq!(core.advance(at(8_000)), [presence(Status::Offline, 3_000)]);
}

#[test]
fn an_invisible_user_who_goes_departs_without_a_change() {
    let mut core = online();
    core.choose(&ada(), ChosenStatus::Invisible, None, at(1_000));
    core.disconnect(&ada(), PHONE, Departure::Closed, at(2_000));
    assert_eq!(core.take_departed(), []);
    assert_eq!(core.advance(at(7_000)), []);
    assert_eq!(core.take_departed(), [presence(Status::Offline, 1_000)]);
}

#[test]
fn a_successor_keeps_an_invisible_user_hidden() {
    let mut core = Availability::new(TIMINGS);
    core.adopt(presence(Status::Offline, 100), 45_000, at(1_000));
    assert_eq!(core.connect(&ada(), PHONE, None, at(2_000)), None);
    assert_eq!(core.active(&ada(), at(3_000)), None);
    assert_eq!(core.advance(at(200_000)), []);
}

#[test]
fn another_shard_vouches_for_its_devices() {
    let mut core = Availability::new(TIMINGS);
    assert_eq!(core.vouch(&presence(Status::Busy, 0), 45_000, at(10)).unwrap().status, Status::Busy);
    assert_eq!(core.vouch(&presence(Status::Busy, 0), 60_000, at(15_000)), None);
    assert_eq!(core.advance(at(59_999)), []);
    assert_eq!(
        core.vouch_no_more(&presence(Status::Offline, 40_000), at(59_999)),
        Some(presence(Status::Offline, 40_000))
    );
}

#[test]
fn the_end_of_a_device_elsewhere_leaves_one_here_its_grace() {
    let mut core = online();
    core.vouch(&presence(Status::Online, 0), 45_000, at(1_000));
    core.disconnect(&ada(), PHONE, Departure::Closed, at(2_000));
    assert_eq!(core.vouch_no_more(&presence(Status::Offline, 900), at(3_000)), None);
    assert_eq!(core.advance(at(6_999)), []);
    assert_eq!(core.advance(at(7_000)), [presence(Status::Offline, 2_000)]);
}

#[test]
fn a_device_here_outweighs_what_another_shard_says() {
    let mut core = online();
    core.choose(&ada(), ChosenStatus::Busy, None, at(1_000));
    assert_eq!(core.vouch(&presence(Status::Online, 0), 45_000, at(2_000)), None);
    core.disconnect(&ada(), PHONE, Departure::Closed, at(3_000));
    assert_eq!(core.advance(at(44_999)), []);
    assert_eq!(core.advance(at(45_000)), [presence(Status::Offline, 3_000)]);
}

#[test]
fn those_who_belong_elsewhere_are_forgotten_without_a_word() {
    let mut core = online();
    let bob = Username::new("bob").unwrap();
    core.adopt(Presence { user: bob.clone(), ..presence(Status::Online, 200) }, 45_000, at(1_000));
    core.forget(|_| true);
    assert!(core.presence(&bob).is_none());
    assert!(core.is_connected(&ada()));
    assert_eq!(core.advance(at(100_000)), []);
    core.disconnect(&ada(), PHONE, Departure::LoggedOut, at(100_000));
    assert_eq!(core.next_deadline(), None);
}
