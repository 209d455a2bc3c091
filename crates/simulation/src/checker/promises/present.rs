//! Present: whoever is connected is shown as they want to be, whoever is not is shown as offline.
//!
//! - Nobody is shown as there for longer than the bound after their last device went, cleanly or without a word.
//! - Nobody is shown as offline while they are there, reconnects included, unless they want to be.
//! - At the end, each of a user's contacts who is connected has been shown the status that the user chose.
//!
//! What is wrong in between stops the clocks of the first two. A device is there from its `welcome` on `/presence` to the end of that
//! connection; of a status that may not have arrived, or may have arrived before another one, nothing is asked but that it is a status
//! that the user ever chose.

mod status;

use std::collections::BTreeMap;

use protocol::Username;
use protocol::presence::Status;

use self::status::Choices;
use crate::checker::Violation;
use crate::checker::story::{Index, Link, NEVER, Span, Story};
use crate::history::{Call, ConnectionId, Happened};

const PROMISE: &str = "present";

/// For how long after a logout its devices may be shown as gone while they believe to be there, in milliseconds: a sweep of the ended logins.
const LOGOUT_SHOWS: u64 = 30_000;

/// What connections were shown of users, in order.
type Words<'a> = BTreeMap<(ConnectionId, &'a Username), Vec<(Index, Status)>>;

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut words = Words::new();
    for (at, what) in story.iter() {
        if let Happened::PresenceShown { connection, user, status, .. } = what {
            words.entry((*connection, user)).or_default().push((at, *status));
        }
    }
    let absences: BTreeMap<&Username, Vec<Span>> =
        story.people.presence.users().map(|user| (user, story.people.presence.absences(user))).collect();
    let choices = Choices::read(story);
    let mut violations = Vec::new();
    for ((connection, user), words) in &words {
        let Some(watcher) = story.people.presence.get(*connection).filter(|link| link.user != *user) else {
            continue;
        };
        // Of those without a presence connection, ever, nothing is known but that they are away.
        let away = [Span { from: 0, until: NEVER }];
        let absences = absences.get(user).map_or(&away[..], Vec::as_slice);
        let stale = absences.iter().filter_map(|absence| ghost(story, watcher, user, words, *absence));
        violations.extend(stale);
        let offline = words.iter().filter(|(_, status)| *status == Status::Offline);
        let offline = offline.filter_map(|(at, _)| flap(story, watcher, user, *at, absences, &choices));
        violations.extend(offline);
    }
    violations.extend(status::check(story, &words, &absences, &choices));
    violations
}

/// Says that a connection was shown somebody as there who has been away for too long.
fn ghost(
    story: &Story<'_>,
    watcher: &Link<'_>,
    user: &Username,
    words: &[(Index, Status)],
    absence: Span,
) -> Option<Violation> {
    let gone = story.time(absence.from);
    let within = story.bounds.vanish + story.bounds.grace;
    let due = story.troubles.due(gone, within, within);
    // A device that comes may be there before its `welcome` has arrived.
    let over = match absence.until {
        NEVER => story.end() + 1,
        until => story.time(until).saturating_sub(story.bounds.way),
    };
    if due >= over || story.time(watcher.span.until) <= due {
        return None;
    }
    // What held when it was due, or came afterwards.
    let later = words.partition_point(|(at, _)| story.time(*at) <= due);
    let held = later.checked_sub(1).and_then(|last| words.get(last));
    let is_seen = |at: Index| story.sight.since(watcher.user, user, at).is_some();
    let held = held.filter(|_| is_seen(story.moments.partition_point(|moment| moment.at <= due) - 1));
    let after = words[later..].iter().take_while(|(at, _)| story.time(*at) < over);
    let mut shown = held.into_iter().chain(after).filter(|(_, status)| *status != Status::Offline);
    let (at, status) = shown.next()?;
    let (who, when) = (story.name(watcher.device), story.time(*at));
    let text = format!(
        "{who} was shown {user} as {status:?} at {when} ms and still is at {due} ms, whose devices are all gone since {gone} ms"
    );
    Some(Violation::new(PROMISE, due.max(when), text))
}

/// Says that somebody was shown as offline who was there all the time.
fn flap(
    story: &Story<'_>,
    watcher: &Link<'_>,
    user: &Username,
    at: Index,
    absences: &[Span],
    choices: &Choices<'_>,
) -> Option<Violation> {
    let now = story.time(at);
    let since = now.checked_sub(story.bounds.way)?;
    // Where something was wrong, it takes a sweep until everything is as it should be. A connection that breaks is no excuse.
    let steady_since = story.troubles.steady_since(now);
    let is_calm = steady_since == 0 || steady_since + story.bounds.grace <= now;
    // What ends a connection may be told to others before its own device learns of it.
    let is_away = absences.iter().any(|absence| {
        let (from, until) = (story.time(absence.from), story.time(absence.until));
        let is_long = until - from >= story.bounds.reconnect || absence.from == 0;
        from <= now + story.bounds.way && until > since && is_long
    });
    let is_seen = story.sight.since(watcher.user, user, at).is_some_and(|seen| story.time(seen) <= since);
    // Whoever logs out is gone at once, before the device learns of it; only then it is looked for.
    let logs_out = || {
        story.iter().any(|(call, what)| match what {
            Happened::Called { user: who, what: Call::LogOut { .. }, .. } => {
                who == user && call <= at && story.time(call) + LOGOUT_SHOWS >= now
            }
            _ => false,
        })
    };
    let is_wrong = is_calm && !is_away && is_seen && !choices.may_be_invisible(story, user, since, at);
    (is_wrong && !logs_out()).then(|| {
        let who = story.name(watcher.device);
        let text =
            format!("{who} was shown {user} as offline, whose devices were there since {since} ms at least");
        story.violation(PROMISE, at, text)
    })
}

#[cfg(test)]
mod tests {
    use protocol::presence::Status;

    use crate::checker::example::{Example, name};
    use crate::history::Happened;

    fn show(example: &mut Example, status: Status) {
        let (device, connection, user) = (example.device("ben"), example.presence("ben"), name("ada"));
        example.note(Happened::PresenceShown { device, connection, user, status });
    }

    /// Ben sees ada come.
    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.see("ada", "ben", true);
        example.come("ben");
        show(&mut example, Status::Offline);
        example.come("ada");
        show(&mut example, Status::Online);
        example
    }

    #[test]
    fn one_who_goes_is_shown_to_have_gone() {
        let mut example = example();
        example.go("ada");
        let mut late = example.clone();
        for (example, wait) in [(&mut example, 45_000), (&mut late, 90_000)] {
            example.pass(wait);
            show(example, Status::Offline);
            example.end();
        }
        example.assert_kept();
        late.assert_broken("present", "as Online");
    }

    #[test]
    fn one_who_is_long_gone_does_not_appear() {
        let mut example = example();
        example.go("ada");
        show(&mut example, Status::Offline);
        example.pass(100_000);
        show(&mut example, Status::Busy);
        show(&mut example, Status::Offline);
        example.end();
        example.assert_broken("present", "as Busy");
    }

    #[test]
    fn a_fault_stops_the_clock() {
        let mut example = example();
        example.go("ada");
        example.note(Happened::Fault("crash".to_owned()));
        example.pass(60_000);
        example.note(Happened::Healed("crash".to_owned()));
        example.pass(50_000);
        show(&mut example, Status::Offline);
        example.assert_kept();
    }

    #[test]
    fn a_reconnect_is_not_seen() {
        let mut example = example();
        example.pass(60_000);
        example.go("ada");
        let mut long = example.clone();
        long.pass(5_000);
        for example in [&mut example, &mut long] {
            example.come("ada");
            show(example, Status::Offline);
            show(example, Status::Online);
        }
        long.assert_kept();
        example.assert_broken("present", "as offline");
    }

    #[test]
    fn others_may_learn_of_an_end_before_the_device_does() {
        let mut example = example();
        example.pass(60_000);
        show(&mut example, Status::Offline);
        example.go("ada");
        example.end();
        example.assert_kept();
    }

    #[test]
    fn one_who_wants_to_be_offline_is() {
        let mut example = example();
        example.pass(60_000);
        let device = example.device("ada");
        example.note(Happened::StatusChosen { device, status: Status::Offline });
        show(&mut example, Status::Offline);
        example.assert_kept();
    }
}
