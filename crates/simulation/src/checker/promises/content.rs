//! The same to everybody: what is shown at a place is what was committed there before, and what was asked for.
//!
//! A message may be shown with a later text of its author or as taken back, but only once that was committed. A page shows messages as they
//! are: not as they were a while before.

use protocol::{ConversationId, EventKind, Position};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, NEVER, Story, place};
use crate::history::{DeviceId, Happened, Request, ShownEvent};

const PROMISE: &str = "content";

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let (mut violations, mut old) = (Vec::new(), Vec::new());
    let mut look = |at, device: &DeviceId, conversation: &ConversationId, position: &Position, event| {
        if let Some(wrong) = wrong(story, at, *conversation, *position, event) {
            let (who, place) = (story.name(*device), place(*conversation, *position));
            let text = format!("{who} was shown {} of {} at {place}, {wrong}", event.id, event.from);
            violations.push(story.violation(PROMISE, at, text));
        }
    };
    for (at, what) in story.iter() {
        match what {
            Happened::Shown { device, conversation, position, event, .. } => {
                look(at, device, conversation, position, event);
            }
            Happened::Paged { device, conversation, messages, .. } => {
                for (position, event) in messages {
                    look(at, device, conversation, position, event);
                    if let Some(stale) = stale(story, at, *conversation, *position, event) {
                        let (who, place) = (story.name(*device), place(*conversation, *position));
                        let text = format!(
                            "{who} was given {place} in a page with the text {:?}, {stale}",
                            event.text
                        );
                        old.push(story.violation(PROMISE, at, text));
                    }
                }
            }
            _ => {}
        }
    }
    violations.extend(old);
    violations
}

/// Says that a page shows a message as it has not been for a while.
fn stale(
    story: &Story<'_>,
    at: Index,
    conversation: ConversationId,
    position: Position,
    event: &ShownEvent,
) -> Option<String> {
    let changes = story.changes.of(conversation, position);
    let shown = event.text.as_deref();
    let seen = changes.iter().rposition(|change| change.at < at && change.text == shown);
    // The first change after what is shown that had to be in the page; what was lost, or is asked for in trouble, may be missing.
    let mut later = changes.iter().skip(seen.map_or(0, |seen| seen + 1));
    let missing = later.find(|change| {
        let within = story.bounds.propagate;
        change.lost_at == NEVER && story.troubles.due(story.time(change.at), within, within) < story.time(at)
    })?;
    Some(format!("though it was changed at {} ms", story.time(missing.at)))
}

/// Says what is wrong with what was shown at a place.
fn wrong(
    story: &Story<'_>,
    at: Index,
    conversation: ConversationId,
    position: Position,
    event: &ShownEvent,
) -> Option<String> {
    let Some(commit) = story.logs.at(conversation, position) else {
        return Some("which was never committed".to_owned());
    };
    if commit.at > at {
        return Some(format!("which was committed only at {} ms", story.time(commit.at)));
    }
    if (commit.from, commit.id, commit.kind) != (&event.from, &event.id, event.kind) {
        return Some(format!("where {} of {} is", commit.id, commit.from));
    }
    let mut asks = story.requests.of(conversation, commit.from, commit.id);
    let is_right = asks.any(|ask| matches_request(story, at, commit, ask.request, event));
    (!is_right)
        .then(|| format!("with the text {:?} to {:?}: nobody asked for that", event.text, event.target))
}

fn matches_request(
    story: &Story<'_>,
    at: Index,
    commit: &Commit<'_>,
    request: &Request,
    event: &ShownEvent,
) -> bool {
    let shown = event.text.as_deref();
    let changes =
        |message| story.changes.of(commit.conversation, message).iter().filter(move |change| change.at < at);
    match (commit.kind, request) {
        (EventKind::Message, Request::Message { text }) => {
            let original = shown == Some(text) && !event.deleted;
            original
                || changes(commit.position)
                    .any(|change| change.text == shown && event.deleted == shown.is_none())
        }
        (EventKind::Edited, Request::Edit { seq, text }) => {
            let message = story.changes.target(commit.conversation, commit.position);
            let is_gone =
                || message.is_some_and(|message| changes(message).any(|change| change.text.is_none()));
            event.target == Some(*seq) && (shown == Some(text) || shown.is_none() && is_gone())
        }
        (EventKind::Deleted, Request::Delete { seq }) | (EventKind::Reacted, Request::React { seq, .. }) => {
            event.target == Some(*seq)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Position;

    use crate::checker::example::Example;

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        example
    }

    #[test]
    fn what_was_asked_for_keeps_it() {
        let mut example = example();
        let message = example.say("ada", "m1");
        example.show("ben", message);
        let edit = example.edit("ada", "e1", 1);
        example.show("ben", edit);
        example.close("ben");
        example.open("ben");
        example.show_as("ben", message, Some("text of e1"));
        let taken_back = example.delete("ada", "d1", 1);
        example.show_as("ben", edit, None);
        example.show("ben", taken_back);
        example.page("ben", 0, &[(message, None)]);
        example.assert_kept();
    }

    #[test]
    fn what_was_never_committed_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        example.show_event("ben", Position { r#gen: 1, seq: 1 }, "ada", "m1");
        example.assert_broken("content", "never committed");
    }

    #[test]
    fn what_is_shown_before_it_is_durable_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        example.show_event("ben", Position { r#gen: 1, seq: 1 }, "ada", "m1");
        example.commit("ada", "m1");
        example.assert_broken("content", "committed only at");
    }

    #[test]
    fn another_event_at_a_place_breaks_it() {
        let mut example = example();
        let place = example.say("ada", "m1");
        example.show_event("ben", place, "ada", "m2");
        example.assert_broken("content", "where m1 of ada is");
    }

    #[test]
    fn a_page_with_an_old_text_breaks_it() {
        let mut example = example();
        let message = example.say("ada", "m1");
        example.edit("ada", "e1", 1);
        let page = [(message, Some("text of m1"))];
        example.page("ben", 0, &page);
        example.assert_kept();
        example.pass(20_000);
        example.page("ben", 0, &page);
        example.assert_broken("content", "though it was changed at");
    }

    #[test]
    fn another_text_breaks_it() {
        let mut example = example();
        let message = example.say("ada", "m1");
        let mut early = example.clone();
        early.show_as("ben", message, Some("text of e1"));
        early.edit("ada", "e1", 1);
        early.assert_broken("content", "nobody asked for that");
        example.page("ben", 0, &[(message, None)]);
        example.assert_broken("content", "nobody asked for that");
    }
}
