//! What must hold after any sequence of sessions, choices and words of other shards.
#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::HashMap;

use availability::{Availability, Departure, Moment, SessionId, Timings};
use proptest::prelude::*;
use proptest::sample::select;
use protocol::presence::{ChosenStatus, Presence, Status};
use protocol::{Timestamp, Username};

const TIMINGS: Timings = Timings { grace: 50, inactivity: 300, arrival: 10 };
const EPOCH: u64 = 1_764_000_000_000;

#[derive(Clone, Debug)]
enum Step {
    Connect(u8, u64),
    Close(u8, u64),
    Die(u8, u64),
    LogOut(u8, u64),
    Choose(u8, ChosenStatus, Option<&'static str>),
    Active(u8),
    Adopt(u8, Status, u64),
    Vouch(u8, Status, u64),
    VouchNoMore(u8),
    Wait(u64),
}

/// The core, with a model of its own of who may be shown as there.
struct World {
    core: Availability,
    now: u64,
    sessions: HashMap<u8, Vec<u64>>,
    in_grace: HashMap<u8, u64>,
    vouched: HashMap<u8, u64>,
    expected: HashMap<u8, u64>,
    shown: HashMap<u8, Presence>,
}

fn name(user: u8) -> Username {
    Username::new(&format!("user{user}")).unwrap()
}

fn number(name: &Username) -> u8 {
    name.as_str().trim_start_matches("user").parse().unwrap()
}

fn there(user: u8, status: Status) -> Presence {
    Presence { user: name(user), status, last_seen: Some(Timestamp(EPOCH)), status_text: None }
}

fn moment(now: u64) -> Moment {
    Moment { elapsed: now, wall: Timestamp(EPOCH + now) }
}

impl World {
    fn new() -> Self {
        Self {
            core: Availability::new(TIMINGS),
            now: 0,
            sessions: HashMap::new(),
            in_grace: HashMap::new(),
            vouched: HashMap::new(),
            expected: HashMap::new(),
            shown: HashMap::new(),
        }
    }

    fn take(&mut self, step: &Step) -> Vec<Presence> {
        let now = moment(self.now);
        let mut changes = Vec::new();
        match *step {
            Step::Connect(user, session) => {
                self.sessions.entry(user).or_default().push(session);
                self.expected.remove(&user);
                changes.extend(self.core.connect(&name(user), SessionId(session), None, now));
            }
            Step::Close(user, session) => {
                changes.extend(self.leave(user, session, Departure::Closed, TIMINGS.grace));
            }
            Step::Die(user, session) => {
                let last_heard = Timestamp(EPOCH + self.now / 2);
                changes.extend(self.leave(user, session, Departure::Silent { last_heard }, 0));
            }
            Step::LogOut(user, session) => {
                changes.extend(self.leave(user, session, Departure::LoggedOut, 0));
            }
            Step::Choose(user, chosen, text) => {
                changes.extend(self.core.choose(&name(user), chosen, text.map(str::to_owned), now));
            }
            Step::Active(user) => changes.extend(self.core.active(&name(user), now)),
            Step::Adopt(user, status, time) => {
                if self.core.presence(&name(user)).is_none() {
                    self.expected.insert(user, self.now + time);
                    self.shown.insert(user, there(user, status));
                }
                self.core.adopt(there(user, status), self.now + time, now);
            }
            Step::Vouch(user, status, time) => {
                let vouched = self.vouched.entry(user).or_default();
                *vouched = (*vouched).max(self.now + time);
                self.expected.remove(&user);
                changes.extend(self.core.vouch(&there(user, status), self.now + time, now));
            }
            Step::VouchNoMore(user) => {
                self.vouched.remove(&user);
                self.expected.remove(&user);
                changes.extend(self.core.vouch_no_more(&there(user, Status::Offline), now));
            }
            Step::Wait(time) => {
                // As a timer would: never later than the core asks for.
                let end = self.now + time;
                while let Some(at) = self.core.next_deadline().filter(|at| *at <= end) {
                    assert!(at > self.now, "a deadline lies in the past");
                    self.now = at;
                    let due = self.core.advance(moment(self.now));
                    changes.extend(due);
                }
                self.now = end;
            }
        }
        for change in &changes {
            self.see(change);
        }
        changes
    }

    fn leave(&mut self, user: u8, session: u64, departure: Departure, grace: u64) -> Option<Presence> {
        let sessions = self.sessions.entry(user).or_default();
        let there = sessions.contains(&session);
        sessions.retain(|known| *known != session);
        if there {
            let until = self.in_grace.entry(user).or_default();
            *until = (*until).max(self.now + grace);
        }
        self.core.disconnect(&name(user), SessionId(session), departure, moment(self.now))
    }

    fn see(&mut self, change: &Presence) {
        let user = number(&change.user);
        let before = self.shown.insert(user, change.clone());
        let before = before.unwrap_or_else(|| there(user, Status::Offline));
        assert_ne!(
            (before.status, &before.status_text),
            (change.status, &change.status_text),
            "a change that is none"
        );
        assert!(change.last_seen.is_some_and(|at| at <= Timestamp(EPOCH + self.now)), "seen in the future");
    }

    fn check(&self) {
        for (user, shown) in &self.shown {
            let reason = self.sessions.get(user).is_some_and(|sessions| !sessions.is_empty())
                || [&self.in_grace, &self.vouched, &self.expected]
                    .iter()
                    .any(|times| times.get(user).is_some_and(|until| self.now < *until));
            assert!(
                shown.status == Status::Offline || reason,
                "{shown:?} at {}, but nobody is there",
                self.now
            );
            assert!(shown.status != Status::Offline || shown.status_text.is_none(), "offline with a text");
            if let Some(known) = self.core.presence(&name(*user)) {
                assert_eq!((known.status, &known.status_text), (shown.status, &shown.status_text));
            } else {
                assert_eq!(shown.status, Status::Offline, "forgotten, but shown as there");
            }
        }
    }
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![Status::Online, Status::Away, Status::Busy, Status::Offline])
}

fn chosen() -> impl Strategy<Value = ChosenStatus> {
    select(vec![ChosenStatus::Online, ChosenStatus::Away, ChosenStatus::Busy, ChosenStatus::Invisible])
}

fn step() -> impl Strategy<Value = Step> {
    let user = 0..3_u8;
    let session = 0..3_u64;
    prop_oneof![
        4 => (user.clone(), session.clone()).prop_map(|(user, session)| Step::Connect(user, session)),
        3 => (user.clone(), session.clone()).prop_map(|(user, session)| Step::Close(user, session)),
        1 => (user.clone(), session.clone()).prop_map(|(user, session)| Step::Die(user, session)),
        1 => (user.clone(), session).prop_map(|(user, session)| Step::LogOut(user, session)),
        3 => (user.clone(), chosen(), select(vec![None, Some(""), Some("lunch")]))
            .prop_map(|(user, chosen, text)| Step::Choose(user, chosen, text)),
        2 => user.clone().prop_map(Step::Active),
        1 => (user.clone(), status(), 1..200_u64).prop_map(|(user, status, time)| Step::Adopt(user, status, time)),
        1 => (user.clone(), status(), 1..200_u64).prop_map(|(user, status, time)| Step::Vouch(user, status, time)),
        1 => user.prop_map(Step::VouchNoMore),
        6 => (1..150_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn nobody_is_shown_without_a_reason_and_no_change_is_empty(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.check();
        }
    }

    #[test]
    fn when_all_have_gone_all_are_offline_and_forgotten(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        for user in 0..3 {
            for session in 0..3 {
                world.take(&Step::Close(user, session));
            }
        }
        world.take(&Step::Wait(1_000));
        let departed = world.core.take_departed();
        for user in world.shown.keys() {
            prop_assert!(departed.iter().any(|gone| gone.user == name(*user)), "nobody was told of user {user}");
        }
        prop_assert!(world.shown.values().all(|shown| shown.status == Status::Offline));
        prop_assert!(world.core.is_empty());
        prop_assert_eq!(world.core.next_deadline(), None);
    }

    #[test]
    fn what_is_shown_in_the_end_depends_on_the_last_choice_alone(
        steps in prop::collection::vec(step(), 0..60),
        chosen in chosen(),
        idle in any::<bool>(),
    ) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.take(&Step::Connect(0, 0));
        world.take(&Step::Choose(0, chosen, Some("lunch")));
        world.take(&Step::Wait(TIMINGS.inactivity + 200));
        if !idle {
            world.take(&Step::Active(0));
        }
        let expected = match chosen {
            ChosenStatus::Online if idle => (Status::Away, Some("lunch".to_owned())),
            ChosenStatus::Online => (Status::Online, Some("lunch".to_owned())),
            ChosenStatus::Away => (Status::Away, Some("lunch".to_owned())),
            ChosenStatus::Busy => (Status::Busy, Some("lunch".to_owned())),
            ChosenStatus::Invisible => (Status::Offline, None),
        };
        let shown = world.core.presence(&name(0)).cloned().unwrap();
        prop_assert_eq!((shown.status, shown.status_text), expected);
    }

    /// The same steps with and without a device that goes and comes back within the grace look the same.
    #[test]
    fn a_reconnect_within_the_grace_does_not_show(
        before in prop::collection::vec(step(), 0..30),
        away in 1..TIMINGS.grace,
        after in prop::collection::vec(step(), 0..30),
    ) {
        let (mut steady, mut flaky) = (World::new(), World::new());
        let mut come: Vec<Step> = before;
        come.extend([Step::Connect(0, 9), Step::Wait(TIMINGS.arrival)]);
        for step in &come {
            prop_assert_eq!(steady.take(step), flaky.take(step));
        }
        flaky.take(&Step::Close(0, 9)).clear();
        prop_assert_eq!(steady.take(&Step::Wait(away)), flaky.take(&Step::Wait(away)));
        prop_assert_eq!(flaky.take(&Step::Connect(0, 9)), vec![]);
        for step in &after {
            prop_assert_eq!(steady.take(step), flaky.take(step));
        }
    }

    /// Nothing that an invisible user does can be seen.
    #[test]
    fn invisible_stays_invisible(steps in prop::collection::vec(step(), 0..40), first in any::<bool>()) {
        let mut world = World::new();
        if first {
            world.take(&Step::Wait(1));
        }
        world.take(&Step::Connect(0, 9));
        prop_assert_eq!(world.take(&Step::Choose(0, ChosenStatus::Invisible, None)), vec![]);
        for step in &steps {
            if matches!(step, Step::Choose(0, ..)) {
                continue;
            }
            let changes = world.take(step);
            prop_assert!(changes.iter().all(|change| number(&change.user) != 0), "{:?}", changes);
            let record = world.core.record(&name(0), moment(world.now));
            prop_assert!(record.is_some_and(|record| record.status == Status::Offline && record.last_seen.is_none()));
        }
    }
}
