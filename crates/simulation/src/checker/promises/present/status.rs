//! Which status is to be shown of somebody who is there.

use std::collections::BTreeMap;

use protocol::Username;
use protocol::presence::Status;

use super::{PROMISE, Words};
use crate::checker::Violation;
use crate::checker::story::{Index, Link, NEVER, Span, Story};
use crate::history::{DeviceId, Happened};

/// What users chose, in order.
pub(super) struct Choices<'a>(BTreeMap<&'a Username, Vec<(Index, DeviceId, Status)>>);

impl<'a> Choices<'a> {
    pub(super) fn read(story: &Story<'a>) -> Self {
        let mut choices: BTreeMap<&Username, Vec<_>> = BTreeMap::new();
        for (at, what) in story.iter() {
            if let Happened::StatusChosen { device, status } = what
                && let Some(user) = story.people.owner(*device)
            {
                choices.entry(user).or_default().push((at, *device, *status));
            }
        }
        Self(choices)
    }

    /// Says whether a user may have wanted to be seen as offline at some time between two: choices arrive late, and more than one device
    /// may have made one.
    pub(super) fn may_be_invisible(&self, story: &Story<'_>, user: &Username, since: u64, at: Index) -> bool {
        let choices = self.of(user);
        let before = choices.iter().take_while(|(chosen, ..)| story.time(*chosen) < since);
        let last: BTreeMap<DeviceId, Status> = before.map(|(_, device, status)| (*device, *status)).collect();
        let later = choices.iter().filter(|(chosen, ..)| *chosen < at && story.time(*chosen) >= since);
        last.into_values().chain(later.map(|(.., status)| *status)).any(|status| status == Status::Offline)
    }

    /// Gives the statuses of which one is to be shown at the end of somebody who is there.
    fn expected(&self, story: &Story<'_>, user: &Username) -> Vec<Status> {
        let choices = self.of(user);
        let Some((at, device, status)) = choices.last().copied() else {
            return vec![Status::Online];
        };
        let links = || story.people.presence.of(user);
        let has_arrived =
            links().any(|link| link.device == device && link.span.covers(at) && link.span.until == NEVER);
        let is_last = choices.iter().rev().skip(1).all(|(earlier, other, _)| {
            let settled = story.troubles.due(story.time(*earlier), story.bounds.way, story.bounds.way);
            *other == device || settled <= story.time(at)
        });
        // Whoever was gone in between, or came to another shard, says it again or is online.
        let has_stayed = links().all(|link| link.span.from < at);
        if has_arrived && is_last && has_stayed {
            return vec![status];
        }
        let ever = choices.iter().map(|(.., status)| *status);
        ever.chain([Status::Online, Status::Away]).collect()
    }

    fn of(&self, user: &Username) -> &[(Index, DeviceId, Status)] {
        self.0.get(user).map_or(&[], Vec::as_slice)
    }
}

/// Says who is not shown as they want to be at the end.
pub(super) fn check(
    story: &Story<'_>,
    words: &Words<'_>,
    absences: &BTreeMap<&Username, Vec<Span>>,
    choices: &Choices<'_>,
) -> Vec<Violation> {
    let Some(quiet) = story.quiet() else { return Vec::new() };
    let watchers = || story.people.presence.iter().filter(|link| link.span.until == NEVER);
    let mut violations = Vec::new();
    for (user, absences) in absences {
        let is_away = |absence: &Span| absence.until == NEVER;
        if absences.iter().any(is_away) {
            continue;
        }
        let came = absences.last().map_or(0, |absence| story.time(absence.until));
        let chosen = choices.of(user).last().map_or(0, |(at, ..)| story.time(*at));
        let mut expected = choices.expected(story, user);
        let active = links_from(story, user).max(chosen);
        if expected.contains(&Status::Online) && active + story.bounds.inactivity <= story.end() {
            expected.push(Status::Away);
        }
        for watcher in watchers().filter(|watcher| watcher.user != *user) {
            let Some(seen) = story.sight.since(watcher.user, user, NEVER - 1) else { continue };
            let since = [came, chosen, story.time(seen), story.time(watcher.span.from)].into_iter().max();
            let since = since.unwrap_or(0);
            let due = story.troubles.due(since, story.bounds.propagate, story.bounds.refresh);
            if due.max(quiet) <= story.end() {
                violations.extend(wrong(story, words, watcher, user, &expected));
            }
        }
    }
    violations
}

/// Gives the earliest time since which a connection of somebody may have been without any activity.
fn links_from(story: &Story<'_>, user: &Username) -> u64 {
    story.people.presence.of(user).map(|link| story.time(link.span.from)).min().unwrap_or(0)
}

fn wrong(
    story: &Story<'_>,
    words: &Words<'_>,
    watcher: &Link<'_>,
    user: &Username,
    expected: &[Status],
) -> Option<Violation> {
    let last = words.get(&(watcher.id, user)).and_then(|words| words.last());
    let (at, status) = last.map_or((None, Status::Offline), |(at, status)| (Some(*at), *status));
    (!expected.contains(&status)).then(|| {
        let who = story.name(watcher.device);
        let when = at.map_or("never told otherwise".to_owned(), |at| format!("since {} ms", story.time(at)));
        let text = format!("at the end, {who} sees {user} as {status:?}, {when}; to be seen is {expected:?}");
        story.violation(PROMISE, NEVER, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::example::{Example, name};

    fn show(example: &mut Example, status: Status) {
        let (device, connection, user) = (example.device("ben"), example.presence("ben"), name("ada"));
        example.note(Happened::PresenceShown { device, connection, user, status });
    }

    fn see_ben(example: &mut Example) {
        let (device, connection, user) = (example.device("ada"), example.presence("ada"), name("ben"));
        example.note(Happened::PresenceShown { device, connection, user, status: Status::Online });
    }

    fn choose(example: &mut Example, status: Status) {
        let device = example.device("ada");
        example.note(Happened::StatusChosen { device, status });
    }

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.see("ada", "ben", true);
        example.come("ben");
        example.come("ada");
        see_ben(&mut example);
        example
    }

    fn finish(mut example: Example) -> Example {
        example.quiet();
        example.end();
        example
    }

    #[test]
    fn the_chosen_status_is_shown() {
        let mut example = example();
        choose(&mut example, Status::Busy);
        let mut other = example.clone();
        show(&mut example, Status::Busy);
        show(&mut other, Status::Online);
        finish(example).assert_kept();
        finish(other).assert_broken("present", "sees ada as Online");
    }

    #[test]
    fn one_who_chose_nothing_is_online() {
        let mut example = example();
        let silent = example.clone();
        show(&mut example, Status::Online);
        finish(example).assert_kept();
        finish(silent).assert_broken("present", "never told otherwise");
    }

    #[test]
    fn one_who_is_invisible_is_offline() {
        let mut example = example();
        choose(&mut example, Status::Offline);
        let mut shown = example.clone();
        show(&mut shown, Status::Online);
        finish(example).assert_kept();
        finish(shown).assert_broken("present", "sees ada as Online");
    }

    #[test]
    fn a_choice_that_may_have_been_lost_is_not_asked_for() {
        let mut example = example();
        choose(&mut example, Status::Busy);
        example.go("ada");
        example.come("ada");
        see_ben(&mut example);
        show(&mut example, Status::Online);
        finish(example).assert_kept();
    }

    #[test]
    fn strangers_need_not_see_anything() {
        let mut example = example();
        example.see("ada", "ben", false);
        example.come("ada");
        finish(example).assert_kept();
    }
}
