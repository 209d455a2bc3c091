//! Everybody, in the end: what each connected device knows of its user's conversations is what is true.
//!
//! - It knows every event since its user joined: it was shown it, or has an ack of it, or found the message in a page; of edits, deletions
//!   and reactions a page that came later and covers them is enough, since it shows messages as they are.
//! - Of an edited message it has seen the last text, of one that was taken back that it is gone. If it had seen a change that was lost,
//!   it has seen the message as it is since.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ConversationId, EventKind, Position};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, NEVER, Story, place};
use crate::history::{DeviceId, Happened, Request, ShownEvent};

const PROMISE: &str = "everybody";

/// A page of a history: it covers what comes after one number, up to another.
struct Page {
    at: Index,
    after: u64,
    until: u64,
}

/// What a device knows of a conversation.
#[derive(Default)]
struct Known<'a> {
    events: BTreeSet<Position>,
    pages: Vec<Page>,
    /// Of messages that were changed: which texts were seen when, nothing standing for a message that was taken back.
    texts: BTreeMap<Position, Vec<(Index, Option<&'a str>)>>,
}

type Knowledge<'a> = BTreeMap<(DeviceId, ConversationId), Known<'a>>;

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let links = story.settled();
    let devices: BTreeSet<DeviceId> = links.iter().map(|link| link.device).collect();
    let mut knowledge = read(story, &devices);
    let mut violations = Vec::new();
    for device in devices {
        let Some(user) = story.people.owner(device) else { continue };
        for (id, conversation) in &story.truth.conversations {
            let stays = story.members.stays(*id, user);
            let Some(stay) = stays.last().filter(|stay| stay.span.until == NEVER) else { continue };
            // One who has just come may not know everything yet.
            let due =
                story.quiet().map(|quiet| quiet.max(story.time(stay.span.from)) + story.bounds.converge);
            if due.is_none_or(|due| due > story.end()) {
                continue;
            }
            let known = knowledge.remove(&(device, *id)).unwrap_or_default();
            let events = conversation.events.iter().filter(|event| event.position.seq > stay.joined);
            let commits = events.filter_map(|event| story.logs.at(*id, event.position));
            let wrong = commits.filter_map(|commit| Some((commit, known.lacks(story, commit)?)));
            violations.extend(wrong.map(|(commit, what)| {
                let place = place(*id, commit.position);
                let text = format!("at the end, {} {what} {place}, of {}", story.name(device), commit.from);
                story.violation(PROMISE, NEVER, text)
            }));
        }
    }
    violations
}

fn read<'a>(story: &Story<'a>, devices: &BTreeSet<DeviceId>) -> Knowledge<'a> {
    let mut knowledge = Knowledge::new();
    for (at, what) in story.iter() {
        match what {
            Happened::Shown { device, conversation, position, event, .. } if devices.contains(device) => {
                let known = knowledge.entry((*device, *conversation)).or_default();
                known.take(story, at, *conversation, *position, event);
            }
            Happened::Acked { device, id, conversation, position, .. } if devices.contains(device) => {
                let known = knowledge.entry((*device, *conversation)).or_default();
                known.events.insert(*position);
                let user = story.people.owner(*device);
                let ask = user.and_then(|user| story.requests.of(*conversation, user, id).next());
                let (message, text) = match ask.map(|ask| ask.request) {
                    Some(Request::Message { text }) => (Some(*position), Some(text.as_str())),
                    Some(Request::Edit { text, .. }) => {
                        (story.changes.target(*conversation, *position), Some(text.as_str()))
                    }
                    Some(Request::Delete { .. }) => (story.changes.target(*conversation, *position), None),
                    Some(Request::React { .. }) | None => continue,
                };
                known.see(story, at, *conversation, message, text);
            }
            Happened::Paged { device, conversation, after, messages, more } if devices.contains(device) => {
                let known = knowledge.entry((*device, *conversation)).or_default();
                let last = messages.last().map_or(*after, |(position, _)| position.seq);
                let until = if *more { last } else { u64::MAX };
                known.pages.push(Page { at, after: *after, until });
                for (position, event) in messages {
                    known.take(story, at, *conversation, *position, event);
                }
            }
            _ => {}
        }
    }
    knowledge
}

impl<'a> Known<'a> {
    fn take(
        &mut self,
        story: &Story<'a>,
        at: Index,
        conversation: ConversationId,
        position: Position,
        event: &'a ShownEvent,
    ) {
        self.events.insert(position);
        let message = match event.kind {
            EventKind::Message => Some(position),
            EventKind::Edited | EventKind::Deleted => story.changes.target(conversation, position),
            EventKind::Reacted => None,
        };
        self.see(story, at, conversation, message, event.text.as_deref());
    }

    /// Takes note of how a message was seen; only of those that were changed it matters.
    fn see(
        &mut self,
        story: &Story<'_>,
        at: Index,
        conversation: ConversationId,
        message: Option<Position>,
        text: Option<&'a str>,
    ) {
        if let Some(message) = message.filter(|message| !story.changes.of(conversation, *message).is_empty())
        {
            self.texts.entry(message).or_default().push((at, text));
        }
    }

    /// Says what is wrong with what is known of an event.
    fn lacks(&self, story: &Story<'_>, commit: &Commit<'_>) -> Option<&'static str> {
        let seq = commit.position.seq;
        if !self.events.contains(&commit.position) {
            let covers = |page: &Page| page.at > commit.at && page.after < seq && seq <= page.until;
            let is_covered = commit.kind != EventKind::Message && self.pages.iter().any(covers);
            return (!is_covered).then_some("does not know");
        }
        let changes = story.changes.of(commit.conversation, commit.position);
        if commit.kind != EventKind::Message || changes.is_empty() {
            return None;
        }
        let mut asks = story.requests.of(commit.conversation, commit.from, commit.id);
        let first = asks.find_map(|ask| match ask.request {
            Request::Message { text } => Some(text.as_str()),
            _ => None,
        });
        let last = story.changes.last(commit.conversation, commit.position);
        let last = last.map_or(first, |change| change.text);
        let seen = self.texts.get(&commit.position).map_or(&[][..], Vec::as_slice);
        let lost = changes.iter().filter(|change| change.lost_at < NEVER && change.text != last);
        let lost: Vec<_> = lost.map(|change| change.text).collect();
        let void = seen.iter().filter(|(_, text)| lost.contains(text)).map(|(at, _)| *at).max();
        let right = seen.iter().filter(|(_, text)| *text == last).map(|(at, _)| *at).max();
        (right.is_none() || right < void).then_some("has not seen how it stands with")
    }
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, at};

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        let first = example.say("ada", "m1");
        example.open("ben");
        example.page("ben", 0, &[(first, Some("text of m1"))]);
        example
    }

    fn finish(mut example: Example) -> Example {
        example.quiet();
        example.end();
        example
    }

    #[test]
    fn one_who_knows_everything_keeps_it() {
        finish(example()).assert_kept();
    }

    #[test]
    fn one_who_lacks_a_message_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        example.open("ben");
        finish(example).assert_broken("everybody", "does not know");
    }

    #[test]
    fn a_page_tells_of_changes_as_well_and_an_older_one_does_not() {
        let mut example = example();
        let edit = example.edit("ada", "e1", 1);
        example.close("ben");
        example.open("ben");
        example.resume("ben", Some(edit));
        example.resumed("ben", edit, true);
        let mut paged = example.clone();
        paged.page("ben", 0, &[(at(1, 1), Some("text of e1"))]);
        finish(paged).assert_kept();
        finish(example).assert_broken("everybody", "has not seen how it stands with");
    }

    #[test]
    fn a_text_that_is_not_the_last_one_breaks_it() {
        let mut example = example();
        let edits = ["e1", "e2"].map(|id| example.edit("ada", id, 1));
        example.close("ben");
        example.open("ben");
        example.resume("ben", None);
        let mut right = example.clone();
        for (example, text) in [(&mut example, "text of e1"), (&mut right, "text of e2")] {
            example.show_as("ben", at(1, 1), Some(text));
            example.show("ben", edits[0]);
        }
        right.show("ben", edits[1]);
        right.resumed("ben", edits[1], true);
        finish(right).assert_kept();
        let promises: Vec<_> = finish(example).check().into_iter().map(|violation| violation.text).collect();
        assert!(promises.iter().any(|text| text.contains("how it stands with")), "{promises:#?}");
    }

    #[test]
    fn a_change_that_was_lost_has_to_be_seen_to_be_undone() {
        let mut example = example();
        let edit = example.edit("ada", "e1", 1);
        example.show("ben", edit);
        example.lose(2);
        example.undo_edit(1);
        let mut told = example.clone();
        for who in ["ada", "ben"] {
            told.page(who, 0, &[(at(1, 1), Some("text of m1"))]);
        }
        finish(told).assert_kept();
        let texts: Vec<_> = finish(example).check().into_iter().map(|violation| violation.text).collect();
        assert!(texts.iter().any(|text| text.contains("has not seen how it stands with")), "{texts:#?}");
    }
}
