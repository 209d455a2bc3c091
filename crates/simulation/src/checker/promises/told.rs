//! Never a silent gap: a device is told what it cannot know by itself.
//!
//! - A resume from a place that was lost before is not answered with `recovered: true`.
//! - The answer to a resume names each conversation of which there was a cursor and of which the user is a member.
//! - At the end, each device that knew of a lost event has been told: by `recovered: false`, by an end of the log before that event, by an
//!   event of a greater generation, or by a page in which it is not.
//! - Nobody is told to have left a conversation who has not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::chat::Resumed;
use protocol::{ConversationId, Position};

use crate::checker::Violation;
use crate::checker::story::{Index, NEVER, Story, place};
use crate::history::{ConnectionId, DeviceId, Happened};

const PROMISE: &str = "told";

/// What a device was told of a conversation.
#[derive(Default)]
struct Told {
    /// The lost events that it knew, with the moments of their losses.
    lost: BTreeMap<Position, Index>,
    /// The greatest generation that it has seen.
    generation: u64,
    /// When it was told to page the history anew.
    anew: Option<Index>,
    /// What resumes and pages told of the log: nothing is known of numbers after the first one, up to the second one.
    ends: Vec<(Index, u64, u64)>,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = resumes(story);
    violations.extend(story.iter().filter_map(|(at, what)| left(story, at, what)));
    violations.extend(losses(story));
    violations
}

fn resumes(story: &Story<'_>) -> Vec<Violation> {
    type Asked<'a> = (Index, &'a BTreeMap<ConversationId, Position>);
    let mut waiting: BTreeMap<ConnectionId, VecDeque<Asked<'_>>> = BTreeMap::new();
    let mut violations = Vec::new();
    for (at, what) in story.iter() {
        match what {
            Happened::ResumeAsked { connection, cursors, .. } => {
                waiting.entry(*connection).or_default().push_back((at, cursors));
            }
            Happened::Resumed { device, connection, conversations } => {
                let asked = waiting.get_mut(connection).and_then(VecDeque::pop_front);
                let Some((asked_at, cursors)) = asked else { continue };
                for (id, cursor) in cursors {
                    let answer = conversations.get(id);
                    if let Some(wrong) = wrong_answer(story, *device, (*id, *cursor), answer, asked_at, at) {
                        let (who, place, asked) =
                            (story.name(*device), place(*id, *cursor), story.time(asked_at));
                        let text =
                            format!("{who} resumed from {place} at {asked} ms and was answered {wrong}");
                        violations.push(story.violation(PROMISE, at, text));
                    }
                }
            }
            _ => {}
        }
    }
    violations
}

fn wrong_answer(
    story: &Story<'_>,
    device: DeviceId,
    (id, cursor): (ConversationId, Position),
    answer: Option<&Resumed>,
    asked: Index,
    answered: Index,
) -> Option<String> {
    match answer {
        Some(answer) if answer.recovered => {
            let lost_at = story.logs.at(id, cursor).map_or(NEVER, |commit| commit.lost_at);
            let lost = story.time(lost_at);
            (lost_at < asked).then(|| format!("as recovered, though that was lost at {lost} ms"))
        }
        Some(_) => None,
        None => {
            let stay = story.members.stay(id, story.people.owner(device)?, asked)?;
            stay.span.covers(answered).then(|| "without a word of it".to_owned())
        }
    }
}

fn left(story: &Story<'_>, at: Index, what: &Happened) -> Option<Violation> {
    let Happened::ConversationShown { device, conversation, left: true, .. } = what else { return None };
    let stays = story.members.stays(*conversation, story.people.owner(*device)?);
    // Not in it from its beginning on, or from a loss or a removal on.
    let was_out = stays.first().is_none_or(|stay| stay.span.until < at) || stays.len() > 1;
    (!was_out).then(|| {
        let text = format!("{} was told to have left {conversation}, and never had", story.name(*device));
        story.violation(PROMISE, at, text)
    })
}

fn losses(story: &Story<'_>) -> Vec<Violation> {
    if story.logs.lost_at.is_empty() {
        return Vec::new();
    }
    let devices: BTreeSet<DeviceId> = story.settled().iter().map(|link| link.device).collect();
    let mut violations = Vec::new();
    for ((device, id), told) in read(story, &devices) {
        let Some(user) = story.people.owner(device) else { continue };
        let is_in = story.members.stay(id, user, NEVER - 1).is_some();
        let untold =
            told.lost.iter().find(|(position, lost_at)| is_in && !told.knows_of(**position, **lost_at));
        violations.extend(untold.map(|(position, lost_at)| {
            let (who, place, lost) = (story.name(device), place(id, *position), story.time(*lost_at));
            let text = format!("{who} knew {place}, which was lost at {lost} ms, and was never told");
            story.violation(PROMISE, NEVER, text)
        }));
    }
    violations
}

fn read(story: &Story<'_>, devices: &BTreeSet<DeviceId>) -> BTreeMap<(DeviceId, ConversationId), Told> {
    let mut all: BTreeMap<(DeviceId, ConversationId), Told> = BTreeMap::new();
    for (at, what) in story.iter() {
        match what {
            Happened::Shown { device, conversation, position, .. }
            | Happened::Acked { device, conversation, position, .. }
                if devices.contains(device) =>
            {
                all.entry((*device, *conversation)).or_default().see(story, *conversation, *position);
            }
            Happened::Paged { device, conversation, after, messages, more } if devices.contains(device) => {
                let told = all.entry((*device, *conversation)).or_default();
                let last = messages.last().map_or(*after, |(position, _)| position.seq);
                told.ends.push((at, *after, if *more { last } else { u64::MAX }));
                for (position, _) in messages {
                    told.see(story, *conversation, *position);
                }
            }
            Happened::Resumed { device, conversations, .. } if devices.contains(device) => {
                for (id, resumed) in conversations {
                    let told = all.entry((*device, *id)).or_default();
                    told.ends.push((at, resumed.seq, u64::MAX));
                    told.generation = told.generation.max(resumed.r#gen);
                    if !resumed.recovered {
                        told.anew = Some(at);
                    }
                }
            }
            _ => {}
        }
    }
    all
}

impl Told {
    fn see(&mut self, story: &Story<'_>, conversation: ConversationId, position: Position) {
        self.generation = self.generation.max(position.r#gen);
        let commit = story.logs.at(conversation, position);
        if let Some(commit) = commit.filter(|commit| commit.lost_at < NEVER) {
            self.lost.insert(position, commit.lost_at);
        }
    }

    /// Says whether it was told of the loss of an event.
    fn knows_of(&self, position: Position, lost_at: Index) -> bool {
        let mut ends = self.ends.iter();
        self.generation > position.r#gen
            || self.anew.is_some_and(|anew| anew > lost_at)
            || ends.any(|(at, after, until)| *at > lost_at && *after < position.seq && position.seq <= *until)
    }
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, at};

    /// Two messages that both know, of which the second is lost.
    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        for id in ["m1", "m2"] {
            let place = example.say("ada", id);
            example.show("ben", place);
        }
        example.lose(2);
        example
    }

    fn finish(mut example: Example) -> Example {
        example.quiet();
        example.end();
        example
    }

    #[test]
    fn a_greater_generation_tells() {
        let mut example = example();
        let second = example.say("ada", "m3");
        example.show("ben", second);
        finish(example).assert_kept();
    }

    #[test]
    fn one_who_is_not_told_breaks_it() {
        finish(example()).assert_broken("told", "never told");
    }

    #[test]
    fn a_page_or_a_resume_tells() {
        let mut example = example();
        example.page("ada", 0, &[(at(1, 1), Some("text of m1"))]);
        example.close("ben");
        example.open("ben");
        example.resume("ben", Some(at(1, 2)));
        let mut silent = example.clone();
        example.resumed("ben", at(1, 1), false);
        finish(example).assert_kept();
        silent.resumed("ben", at(1, 2), true);
        let mut texts = silent.check().into_iter().map(|violation| violation.text);
        assert!(texts.any(|text| text.contains("as recovered, though that was lost at")));
    }

    #[test]
    fn a_cursor_without_an_answer_breaks_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.resume("ada", Some(at(0, 0)));
        let mut left = example.clone();
        left.members(&[("ben", 0)]);
        left.resumed_all("ada", [].into());
        left.assert_kept();
        example.resumed_all("ada", [].into());
        example.assert_broken("told", "without a word of it");
    }

    #[test]
    fn one_who_is_told_to_have_left_has() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ben");
        let mut wrong = example.clone();
        example.members(&[("ada", 0)]);
        for example in [&mut example, &mut wrong] {
            example.tell_left("ben");
        }
        example.assert_kept();
        wrong.assert_broken("told", "never had");
    }
}
