//! Everybody: each device that is connected at the end has been brought every event of each of its user's conversations.
//!
//! - On its last connection everything that was committed after that was opened, or comes after the place in the answer to its resume,
//!   was shown, or acked to the sender, within a bound after everything was quiet. Pages do not count: what a client has to fetch by itself
//!   was not delivered.
//! - A resume is answered within the same bound.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ConversationId, Position};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, Link, NEVER, Story, place};
use crate::history::{ConnectionId, Happened};

const PROMISE: &str = "everybody";

/// What came on the connections that are open at the end.
#[derive(Default)]
struct Seen {
    /// When an event was shown or acked first.
    events: BTreeMap<(ConnectionId, ConversationId, Position), Index>,
    /// Where a conversation stood after the last resume.
    resumed: BTreeMap<(ConnectionId, ConversationId), Position>,
    /// When resumes were asked for that are not answered.
    waiting: BTreeMap<ConnectionId, Vec<Index>>,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let links = story.settled();
    let seen = read(story, &links);
    let mut violations = Vec::new();
    for link in &links {
        violations.extend(unanswered(story, link, &seen));
        for (id, conversation) in &story.truth.conversations {
            let stays = story.members.stays(*id, link.user);
            let Some(stay) = stays.last().filter(|stay| stay.span.until == NEVER) else { continue };
            let resumed = seen.resumed.get(&(link.id, *id));
            let events = conversation.events.iter().filter(|event| event.position.seq > stay.joined);
            let commits = events.filter_map(|event| story.logs.at(*id, event.position));
            let due = commits.filter(|commit| match resumed {
                Some(end) => commit.position > *end,
                None => commit.at > link.span.from.max(stay.span.from),
            });
            let late = due.filter_map(|commit| late(story, link, commit, stay.span.from, &seen));
            violations.extend(late);
        }
    }
    violations
}

fn read(story: &Story<'_>, links: &[Link<'_>]) -> Seen {
    let links: BTreeSet<ConnectionId> = links.iter().map(|link| link.id).collect();
    let mut seen = Seen::default();
    for (at, what) in story.iter() {
        match what {
            Happened::Shown { connection, conversation, position, .. }
            | Happened::Acked { connection, conversation, position, .. }
                if links.contains(connection) =>
            {
                seen.events.entry((*connection, *conversation, *position)).or_insert(at);
            }
            Happened::ResumeAsked { connection, .. } => seen.waiting.entry(*connection).or_default().push(at),
            Happened::Resumed { connection, conversations, .. } => {
                if let Some(waiting) = seen.waiting.get_mut(connection).filter(|waiting| !waiting.is_empty())
                {
                    waiting.remove(0);
                }
                for (id, resumed) in conversations {
                    let end = Position { r#gen: resumed.r#gen, seq: resumed.seq };
                    seen.resumed.insert((*connection, *id), end);
                }
            }
            _ => {}
        }
    }
    seen
}

fn unanswered(story: &Story<'_>, link: &Link<'_>, seen: &Seen) -> Option<Violation> {
    let asked = *seen.waiting.get(&link.id)?.first()?;
    let due = story.time(asked).max(story.quiet()?) + story.bounds.converge;
    (due <= story.end()).then(|| {
        let (who, asked_at) = (story.name(link.device), story.time(asked));
        let text = format!("{who} asked for a resume at {asked_at} ms, which was never answered");
        story.violation(PROMISE, NEVER, text)
    })
}

/// Says that an event came too late on a connection, or not at all.
fn late(
    story: &Story<'_>,
    link: &Link<'_>,
    commit: &Commit<'_>,
    joined: Index,
    seen: &Seen,
) -> Option<Violation> {
    let began = [commit.at, link.span.from, joined].map(|index| story.time(index));
    let due = began.into_iter().max()?.max(story.quiet()?) + story.bounds.converge;
    let came = seen.events.get(&(link.id, commit.conversation, commit.position));
    let is_late = came.map_or(due <= story.end(), |came| story.time(*came) > due);
    is_late.then(|| {
        let (who, place) = (story.name(link.device), place(commit.conversation, commit.position));
        let (committed, opened) = (story.time(commit.at), story.time(link.span.from));
        let when = came.map_or("never".to_owned(), |came| format!("only at {} ms", story.time(*came)));
        let what = format!("which {} wrote and which was committed at {committed} ms", commit.from);
        let text =
            format!("{who} was shown {place} {when}, {what} (connection {}, since {opened} ms)", link.id.0);
        story.violation(PROMISE, came.copied().unwrap_or(NEVER), text)
    })
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, at};

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        example
    }

    #[test]
    fn what_everybody_was_shown_keeps_it() {
        let mut example = example();
        let first = example.say("ada", "m1");
        example.show("ben", first);
        example.quiet();
        example.end();
        example.assert_kept();
    }

    #[test]
    fn what_never_comes_breaks_it_even_if_it_is_found_in_a_page() {
        let mut example = example();
        let first = example.say("ada", "m1");
        example.quiet();
        example.page("ben", 0, &[(first, Some("text of m1"))]);
        example.end();
        example.assert_broken("everybody", "never");
    }

    #[test]
    fn what_comes_too_late_breaks_it() {
        let mut example = example();
        let first = example.say("ada", "m1");
        example.quiet();
        let mut late = example.clone();
        for (example, wait) in [(&mut example, 20_000), (&mut late, 40_000)] {
            example.pass(wait);
            example.show("ben", first);
            example.end();
        }
        example.assert_kept();
        late.assert_broken("everybody", "only at");
    }

    #[test]
    fn what_comes_after_the_end_of_a_resume_has_to_come() {
        let mut example = example();
        example.say("ada", "m1");
        example.close("ben");
        example.open("ben");
        example.resume("ben", Some(at(0, 0)));
        example.show("ben", at(1, 1));
        example.resumed("ben", at(1, 1), true);
        let mut missed = example.clone();
        for example in [&mut example, &mut missed] {
            example.say("ada", "m2");
        }
        example.show("ben", at(1, 2));
        for example in [&mut example, &mut missed] {
            example.quiet();
            example.page("ben", 0, &[(at(1, 1), Some("text of m1")), (at(1, 2), Some("text of m2"))]);
            example.end();
        }
        example.assert_kept();
        missed.assert_broken("everybody", "1-2 never");
    }

    #[test]
    fn a_resume_that_is_never_answered_breaks_it() {
        let mut example = example();
        example.resume("ben", None);
        example.quiet();
        example.end();
        example.assert_broken("everybody", "never answered");
    }
}
