//! Once: a request is one event, whatever is repeated, and nobody is shown it twice.
//!
//! - A place, generation and number, never stands for two events, not even over losses.
//! - A request is committed once, and once more only after it was lost.
//! - All acks of a request name the same place, until it is lost.
//! - `duplicate` is false in at most one ack of an event; it is false if the request was sent only once, and true if the event was
//!   committed before the request was sent on that connection at all.
//! - No connection is shown a place twice, unless it was told in between that its user had left the conversation,
//!   which a loss took back.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ClientId, ConversationId, Position, Username};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, Story, place};
use crate::history::{ConnectionId, Happened};

const PROMISE: &str = "once";

/// An ack that came.
struct Ack<'a> {
    at: Index,
    who: String,
    connection: ConnectionId,
    user: &'a Username,
    id: &'a ClientId,
    conversation: ConversationId,
    position: Position,
    duplicate: bool,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = commits(story);
    let mut shown: BTreeMap<(ConnectionId, ConversationId), BTreeSet<Position>> = BTreeMap::new();
    let mut acks: BTreeMap<(ConversationId, &Username, &ClientId), Vec<Ack<'_>>> = BTreeMap::new();
    for (at, what) in story.iter() {
        match what {
            Happened::Shown { device, connection, conversation, position, .. }
                if !shown.entry((*connection, *conversation)).or_default().insert(*position) =>
            {
                let place = place(*conversation, *position);
                let text = format!("{} was shown {place} twice on one connection", story.name(*device));
                violations.push(story.violation(PROMISE, at, text));
            }
            // A loss can take back that somebody left, and what was before comes again.
            Happened::ConversationShown { connection, conversation, left: true, .. }
                if !story.logs.lost_at.is_empty() =>
            {
                shown.remove(&(*connection, *conversation));
            }
            Happened::Acked { device, connection, id, conversation, position, duplicate } => {
                let Some(user) = story.people.owner(*device) else { continue };
                let ack = Ack {
                    at,
                    who: story.name(*device),
                    connection: *connection,
                    user,
                    id,
                    conversation: *conversation,
                    position: *position,
                    duplicate: *duplicate,
                };
                let earlier = acks.entry((*conversation, user, id)).or_default();
                let wrong = disagreement(story, earlier, &ack).or_else(|| mistake(story, earlier, &ack));
                violations.extend(wrong.map(|text| story.violation(PROMISE, at, text)));
                earlier.push(ack);
            }
            _ => {}
        }
    }
    violations
}

fn commits(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (second, first) in &story.logs.clashes {
        let place = place(second.conversation, second.position);
        let text = format!(
            "{place} stands for {} of {} and for {} of {}",
            first.id, first.from, second.id, second.from
        );
        violations.push(story.violation(PROMISE, second.at, text));
    }
    let mut standing: BTreeMap<(ConversationId, &Username, &ClientId), &Commit<'_>> = BTreeMap::new();
    for commit in story.logs.iter() {
        let key = (commit.conversation, commit.from, commit.id);
        let before = standing.insert(key, commit).filter(|before| before.lost_at > commit.at);
        if let Some(before) = before {
            let places = [before, commit].map(|commit| place(commit.conversation, commit.position));
            let text =
                format!("{} of {} was committed twice, as {}", commit.id, commit.from, places.join(" and "));
            violations.push(story.violation(PROMISE, commit.at, text));
        }
    }
    violations
}

/// Says that an ack names another place than one before, which was not lost.
fn disagreement(story: &Story<'_>, earlier: &[Ack<'_>], ack: &Ack<'_>) -> Option<String> {
    let is_lost = |other: &Ack<'_>| {
        let commit = story.logs.at(other.conversation, other.position);
        commit.is_some_and(|commit| commit.lost_at < ack.at)
    };
    // What was in a slow ack may be lost by the time when that of its second place has come already.
    let other =
        earlier.iter().find(|other| other.position != ack.position && !is_lost(other) && !is_lost(ack))?;
    let (first, second) = (place(ack.conversation, other.position), place(ack.conversation, ack.position));
    let since = story.time(other.at);
    Some(format!(
        "{} got an ack of {} at {second}, which was acked at {first} at {since} ms",
        ack.who, ack.id
    ))
}

/// Says that `duplicate` is certainly wrong.
fn mistake(story: &Story<'_>, earlier: &[Ack<'_>], ack: &Ack<'_>) -> Option<String> {
    let place = place(ack.conversation, ack.position);
    let asks = story.requests.of(ack.conversation, ack.user, ack.id);
    let asks: Vec<_> = asks.filter(|ask| ask.at < ack.at).collect();
    if ack.duplicate {
        return (asks.len() == 1).then(|| {
            let (at, id) = (story.time(asks[0].at), ack.id);
            format!("{} got an ack of {id} at {place} as a duplicate, and sent it once, at {at} ms", ack.who)
        });
    }
    if let Some(other) = earlier.iter().find(|other| !other.duplicate && other.position == ack.position) {
        let (at, id) = (story.time(other.at), ack.id);
        return Some(format!(
            "{} got a second ack of {id} at {place} as no duplicate, after one at {at} ms",
            ack.who
        ));
    }
    let asked = asks.iter().find(|ask| ask.connection == ack.connection)?;
    let commit = story.logs.at(ack.conversation, ack.position)?;
    let is_its = (commit.from, commit.id) == (ack.user, ack.id);
    (is_its && commit.at < asked.at).then(|| {
        let (committed, asked, id) = (story.time(commit.at), story.time(asked.at), ack.id);
        let what =
            format!("which was committed at {committed} ms and sent on this connection only at {asked} ms");
        format!("{} got an ack of {id} at {place} as no duplicate, {what}", ack.who)
    })
}

#[cfg(test)]
mod tests {
    use crate::checker::example::Example;

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        example
    }

    #[test]
    fn a_repeat_that_is_told_as_one_keeps_it() {
        let mut example = example();
        let first = example.say("ada", "m1");
        example.show("ben", first);
        example.close("ada");
        example.open("ada");
        example.ask("ada", "m1");
        example.ack("ada", "m1", first, true);
        example.assert_kept();
    }

    #[test]
    fn a_second_event_of_a_request_breaks_it_unless_the_first_is_lost() {
        let mut example = example();
        example.say("ada", "m1");
        let mut lost = example.clone();
        lost.lose(1);
        for example in [&mut lost, &mut example] {
            example.ask("ada", "m1");
            example.commit("ada", "m1");
        }
        lost.assert_kept();
        example.assert_broken("once", "committed twice");
    }

    #[test]
    fn a_place_that_stands_for_two_events_breaks_it() {
        let mut example = example();
        let place = example.say("ada", "m1");
        example.lose(1);
        example.ask("ada", "m2");
        example.commit_at("ada", "m2", place);
        let promises: Vec<_> = example.check().iter().map(|violation| violation.promise).collect();
        assert!(promises.contains(&"once"), "{promises:?}");
    }

    #[test]
    fn acks_that_disagree_break_it() {
        let mut example = example();
        let first = example.say("ada", "m1");
        let second = example.say("ben", "m2");
        example.show("ada", second);
        example.show("ben", first);
        example.ask("ada", "m1");
        example.ack("ada", "m1", second, true);
        let texts: Vec<_> = example.check().into_iter().map(|violation| violation.text).collect();
        assert!(texts.iter().any(|text| text.contains("which was acked at")), "{texts:?}");
    }

    #[test]
    fn a_duplicate_that_is_none_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        let place = example.commit("ada", "m1");
        example.ack("ada", "m1", place, true);
        example.assert_broken("once", "sent it once");
    }

    #[test]
    fn two_acks_as_no_duplicate_break_it() {
        let mut example = example();
        example.ask("ada", "m1");
        let place = example.say("ada", "m1");
        example.ack("ada", "m1", place, false);
        example.assert_broken("once", "a second ack");
    }

    #[test]
    fn a_repeat_that_is_not_told_as_one_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        let place = example.commit("ada", "m1");
        example.close("ada");
        example.open("ada");
        example.ask("ada", "m1");
        example.ack("ada", "m1", place, false);
        example.assert_broken("once", "sent on this connection only at");
    }

    #[test]
    fn what_is_shown_twice_breaks_it() {
        let mut example = example();
        let place = example.say("ada", "m1");
        example.show("ben", place);
        let mut anew = example.clone();
        anew.close("ben");
        anew.open("ben");
        anew.show("ben", place);
        anew.assert_kept();
        example.show("ben", place);
        example.assert_broken("once", "twice on one connection");
    }
}
