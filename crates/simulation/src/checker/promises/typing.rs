//! Typing ends: nobody is seen typing whose devices are all gone.
//!
//! A connection that was shown somebody typing is shown the end of it, or a message of that person, before the bound for vanished devices
//! has passed. Of what begins or ends while something is wrong nothing is asked: it is never stored.

use std::collections::BTreeMap;

use protocol::{ConversationId, EventKind, Username};

use crate::checker::Violation;
use crate::checker::story::{NEVER, Span, Story};
use crate::history::{ConnectionId, DeviceId, Happened};

const PROMISE: &str = "typing";

/// A connection that was shown somebody typing, until it was shown otherwise or nothing is to be asked any more.
struct Episode<'a> {
    device: DeviceId,
    conversation: ConversationId,
    user: &'a Username,
    span: Span,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut absences: BTreeMap<&Username, Vec<Span>> = BTreeMap::new();
    let mut violations = Vec::new();
    for episode in episodes(story) {
        let absences =
            absences.entry(episode.user).or_insert_with(|| story.people.chat.absences(episode.user));
        violations.extend(absences.iter().find_map(|absence| endless(story, &episode, *absence)));
    }
    violations
}

fn episodes<'a>(story: &Story<'a>) -> Vec<Episode<'a>> {
    type Key<'a> = (ConnectionId, ConversationId, &'a Username);
    let mut open: BTreeMap<Key<'a>, Episode<'a>> = BTreeMap::new();
    let mut ended = Vec::new();
    for (at, what) in story.iter() {
        let mut end = |open: &mut BTreeMap<Key<'a>, Episode<'a>>, is_over: &dyn Fn(&Key<'a>) -> bool| {
            let over = open.extract_if(.., |key, _| is_over(key));
            ended.extend(
                over.map(|(_, episode)| Episode { span: Span { until: at, ..episode.span }, ..episode }),
            );
        };
        match what {
            Happened::TypingShown { device, connection, conversation, user, active } => {
                let key = (*connection, *conversation, user);
                end(&mut open, &|known| *known == key);
                if *active {
                    let span = Span { from: at, until: NEVER };
                    open.insert(key, Episode { device: *device, conversation: *conversation, user, span });
                }
            }
            Happened::Shown { connection, conversation, event, .. } if event.kind == EventKind::Message => {
                let key = (*connection, *conversation, &event.from);
                end(&mut open, &|known| *known == key);
            }
            Happened::Closed { connection, .. } => end(&mut open, &|(known, ..)| known == connection),
            Happened::Members { conversation, .. } => end(&mut open, &|(_, known, _)| known == conversation),
            _ => {}
        }
    }
    ended.extend(open.into_values());
    ended
}

/// Says that somebody was seen typing for too long after all of their devices had gone.
fn endless(story: &Story<'_>, episode: &Episode<'_>, absence: Span) -> Option<Violation> {
    let from = episode.span.from.max(absence.from);
    let until = episode.span.until.min(absence.until);
    if from >= until {
        return None;
    }
    let due = story.time(from) + story.bounds.vanish + story.bounds.propagate;
    let is_calm = story.troubles.calm_since(due) < story.time(episode.span.from);
    // A device may have come back, and its `welcome` be under way.
    let over = story.time(until).saturating_sub(if until == NEVER { 0 } else { story.bounds.way });
    (is_calm && due < over).then(|| {
        let Episode { device, conversation, user, span } = episode;
        let (who, since, gone) = (story.name(*device), story.time(span.from), story.time(absence.from));
        let text = format!("{who} sees {user} typing in {conversation} since {since} ms, whose devices are gone since {gone} ms");
        story.violation(PROMISE, span.from, text)
    })
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, TALK, name};
    use crate::history::Happened;

    fn typing(example: &mut Example, active: bool) {
        let (device, connection) = (example.device("ben"), example.chat("ben"));
        let (conversation, user) = (TALK, name("ada"));
        example.note(Happened::TypingShown { device, connection, conversation, user, active });
    }

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        typing(&mut example, true);
        example
    }

    #[test]
    fn one_who_is_there_may_type_for_ever() {
        let mut example = example();
        example.end();
        example.assert_kept();
    }

    #[test]
    fn one_who_is_gone_does_not_type() {
        let mut example = example();
        example.close("ada");
        let mut ended = example.clone();
        typing(&mut ended, false);
        for example in [&mut example, &mut ended] {
            example.end();
        }
        ended.assert_kept();
        example.assert_broken("typing", "typing in");
    }

    #[test]
    fn what_a_fault_may_have_taken_is_not_asked_for() {
        let mut example = example();
        example.note(Happened::Fault("hints".to_owned()));
        example.close("ada");
        example.note(Happened::Healed("hints".to_owned()));
        example.end();
        example.assert_kept();
    }
}
