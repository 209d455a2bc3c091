//! A login that has ended opens nothing any more, and what it had opened is closed.
//!
//! The contract says within a second; where the news of it were lost in a fault it takes a little longer.

use std::collections::BTreeMap;

use crate::checker::Violation;
use crate::checker::story::{Index, Story};
use crate::history::{Answer, Call, CallId, DeviceId, Happened};

const PROMISE: &str = "private";

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (device, ended) in ended(story) {
        let at = story.time(ended);
        let due = story.troubles.due(at, story.bounds.propagate, story.bounds.propagate);
        let is_lost = |loss: &Index| *loss > ended && story.time(*loss) <= at + story.bounds.loss;
        if story.logs.lost_at.iter().any(is_lost) {
            continue;
        }
        let links = story.people.chat.iter().chain(story.people.presence.iter());
        for link in links.filter(|link| link.device == device && story.time(link.span.until) > due) {
            let (who, opened) = (story.name(device), story.time(link.span.from));
            let what =
                format!("connection {}, opened at {opened} ms, is open at {due} ms or later", link.id.0);
            let text = format!("{who} was logged out at {at} ms, and {what}");
            violations.push(story.violation(PROMISE, link.span.from.max(ended), text));
        }
    }
    violations
}

/// Gives the devices whose logins were ended, with the moments when that was told.
fn ended(story: &Story<'_>) -> BTreeMap<DeviceId, Index> {
    let mut calls: BTreeMap<CallId, DeviceId> = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for (at, what) in story.iter() {
        match what {
            Happened::Called { call, what: Call::LogOut { device }, .. } => {
                calls.insert(*call, *device);
            }
            Happened::Answered { call, answer: Answer::Done(_) } => {
                if let Some(device) = calls.get(call) {
                    ended.entry(*device).or_insert(at);
                }
            }
            _ => {}
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use crate::checker::example::Example;
    use crate::history::{Answer, Call};

    fn example(answer: Answer) -> Example {
        let mut example = Example::of(&["ada"]);
        example.open("ada");
        let device = example.device("ada");
        example.call("ada", Call::LogOut { device }, answer);
        example
    }

    #[test]
    fn what_is_closed_in_time_keeps_it() {
        let mut example = example(Answer::Done(None));
        example.pass(1_000);
        example.close("ada");
        example.end();
        example.assert_kept();
    }

    #[test]
    fn what_stays_open_or_is_opened_breaks_it() {
        let mut open = example(Answer::Done(None));
        let mut opened = open.clone();
        opened.close("ada");
        opened.pass(60_000);
        opened.open("ada");
        for example in [&mut open, &mut opened] {
            example.end();
            example.assert_broken("private", "was logged out at");
        }
    }

    #[test]
    fn nothing_is_asked_where_nobody_knows() {
        let mut example = example(Answer::Unknown);
        example.end();
        example.assert_kept();
    }
}
