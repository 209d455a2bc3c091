//! Durable before ack: what was acked is in the log before the ack leaves, and stays there.
//!
//! - An acked event was committed before the ack came, at the place that the ack names, with the author and the id of the request.
//! - What was committed and not lost is in the log at the end, as it was asked for, and nothing else is.
//! - Nothing is committed that nobody asked for.
//! - At the end messages have the texts that the edits in the log gave them, and those that were taken back have none.
//! - The log is dense from 1, and its generations never decrease.

use std::collections::BTreeSet;

use protocol::{ConversationId, EventBody, EventKind, Position};

use crate::checker::Violation;
use crate::checker::story::{Commit, NEVER, Story, place};
use crate::history::{Happened, Request};
use crate::store::TrueConversation;

const PROMISE: &str = "durable";

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = acks(story);
    violations.extend(story.logs.iter().filter_map(|commit| unasked(story, commit)));
    let mut there = BTreeSet::new();
    for (id, conversation) in &story.truth.conversations {
        violations.extend(shape(story, *id, conversation));
        for event in &conversation.events {
            there.insert((*id, event.position));
            violations.extend(foreign(story, *id, event.position, &event.body));
        }
    }
    violations.extend(forgotten(story));
    let stands = |commit: &&Commit<'_>| commit.lost_at == NEVER;
    for commit in story.logs.iter().filter(stands) {
        if !there.contains(&(commit.conversation, commit.position)) {
            let place = place(commit.conversation, commit.position);
            let text =
                format!("{place} by {} with id {} is gone, and no loss names it", commit.from, commit.id);
            violations.push(story.violation(PROMISE, commit.at, text));
        }
    }
    violations
}

fn acks(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, what) in story.iter() {
        let Happened::Acked { device, id, conversation, position, .. } = what else { continue };
        let Some(user) = story.people.owner(*device) else { continue };
        let commit = story.logs.at(*conversation, *position);
        let wrong = match commit {
            None => "which was never committed".to_owned(),
            Some(commit) if commit.at > index => {
                format!("which was committed only at {} ms", story.time(commit.at))
            }
            Some(commit) if (commit.from, commit.id) != (user, id) => {
                format!("where {} by {} is", commit.id, commit.from)
            }
            Some(_) => continue,
        };
        let (who, place) = (story.name(*device), place(*conversation, *position));
        let text = format!("{who} got an ack of {id} at {place}, {wrong}");
        violations.push(story.violation(PROMISE, index, text));
    }
    violations
}

/// Says that nobody asked for an event before it was committed.
fn unasked(story: &Story<'_>, commit: &Commit<'_>) -> Option<Violation> {
    let Commit { at, conversation, position, from, id, kind, .. } = *commit;
    let mut asks = story.requests.of(conversation, from, id);
    let is_asked = asks.any(|ask| ask.at < at && kind_of(ask.request) == kind);
    (!is_asked).then(|| {
        let text = format!(
            "{} was committed as {id} of {from}, who had not asked for it",
            place(conversation, position)
        );
        story.violation(PROMISE, at, text)
    })
}

fn kind_of(request: &Request) -> EventKind {
    match request {
        Request::Message { .. } => EventKind::Message,
        Request::Edit { .. } => EventKind::Edited,
        Request::Delete { .. } => EventKind::Deleted,
        Request::React { .. } => EventKind::Reacted,
    }
}

/// Says that a log has a gap, or goes back.
fn shape(story: &Story<'_>, id: ConversationId, conversation: &TrueConversation) -> Option<Violation> {
    let mut last = Position::default();
    for Position { r#gen, seq } in conversation.events.iter().map(|event| event.position) {
        if seq != last.seq + 1 || r#gen < last.r#gen {
            let text = format!("in the log of {id}, {gen}-{seq} follows {}-{}", last.r#gen, last.seq);
            return Some(story.violation(PROMISE, NEVER, text));
        }
        last = Position { r#gen, seq };
    }
    None
}

/// Says that an event in the log at the end is not what was committed there and asked for.
fn foreign(story: &Story<'_>, id: ConversationId, position: Position, body: &[u8]) -> Option<Violation> {
    let body = EventBody::decode(body).ok()?;
    let commit = story.logs.at(id, position).filter(|commit| commit.lost_at == NEVER);
    let is_committed = commit
        .is_some_and(|commit| (commit.from, commit.id, commit.kind) == (&body.from, &body.id, body.kind));
    let mut asks = story.requests.of(id, &body.from, &body.id);
    let is_asked = asks.any(|ask| match ask.request {
        Request::Message { text } => body.text.as_ref() == Some(text),
        Request::Edit { seq, text } => (body.target, body.text.as_ref()) == (Some(*seq), Some(text)),
        Request::Delete { seq } => body.target == Some(*seq),
        Request::React { seq, emoji, active } => {
            (body.target, body.emoji.as_ref(), body.active) == (Some(*seq), Some(emoji), Some(*active))
        }
    });
    (!is_committed || !is_asked).then(|| {
        let what = if is_committed { "what was asked for" } else { "what was committed there" };
        let text =
            format!("at the end, {} holds {} of {}: not {what}", place(id, position), body.id, body.from);
        story.violation(PROMISE, NEVER, text)
    })
}

/// Says of which messages the store has forgotten what became of them.
fn forgotten(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, message) in story.changes.iter() {
        let Some(known) = story.truth.conversations.get(&id) else { continue };
        let Some(change) = story.changes.last(id, message) else { continue };
        let now = (known.edited.get(&message.seq).map(String::as_str), known.deleted.contains(&message.seq));
        if now != (change.text, change.text.is_none()) {
            let (place, changed) = (place(id, message), story.time(change.at));
            let what =
                change.text.map_or("was taken back".to_owned(), |text| format!("got the text {text:?}"));
            let text = format!("{place} {what} at {changed} ms, and at the end that is forgotten");
            violations.push(story.violation(PROMISE, change.at, text));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use protocol::Position;

    use crate::checker::example::{Example, TALK};

    fn at(r#gen: u64, seq: u64) -> Position {
        Position { r#gen, seq }
    }

    #[test]
    fn an_ack_of_what_was_committed_keeps_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        example.say("ada", "m2");
        example.assert_kept();
    }

    #[test]
    fn an_ack_of_what_was_not_committed_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.ask("ada", "m1");
        example.ack("ada", "m1", at(1, 1), false);
        example.assert_broken("durable", "never committed");
    }

    #[test]
    fn an_ack_before_the_commit_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.ask("ada", "m1");
        example.ack("ada", "m1", at(1, 1), false);
        example.commit("ada", "m1");
        example.assert_broken("durable", "committed only at");
    }

    #[test]
    fn an_ack_of_anothers_event_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        example.say("ben", "m1");
        example.ask("ada", "m2");
        example.ack("ada", "m2", at(1, 1), false);
        example.assert_broken("durable", "where m1 by ben is");
    }

    #[test]
    fn what_is_gone_was_lost_by_name_or_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        let mut lost = example.clone();
        lost.lose(1);
        lost.assert_kept();
        example.truth.conversations.entry(TALK).and_modify(|talk| talk.events.clear());
        example.assert_broken("durable", "is gone, and no loss names it");
    }

    #[test]
    fn what_nobody_asked_for_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.commit("ada", "m1");
        example.assert_broken("durable", "had not asked for it");
    }

    #[test]
    fn another_text_in_the_log_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        example.rewrite_log(1, "something else");
        example.assert_broken("durable", "not what was asked for");
    }

    #[test]
    fn an_edit_that_is_forgotten_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        example.edit("ada", "e1", 1);
        example.assert_kept();
        example.undo_edit(1);
        example.assert_broken("durable", "is forgotten");
    }

    #[test]
    fn a_gap_in_the_log_or_a_generation_that_goes_back_breaks_it() {
        for positions in [[at(1, 1), at(1, 3)], [at(2, 1), at(1, 2)]] {
            let mut example = Example::of(&["ada", "ben"]);
            for (position, (who, id)) in positions.into_iter().zip([("ada", "m1"), ("ben", "m2")]) {
                example.open(who);
                example.ask(who, id);
                example.commit_at(who, id, position);
            }
            example.assert_broken("durable", "follows");
        }
    }
}
