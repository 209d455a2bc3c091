//! In order as they were made: a user's requests are in the log as the user sent them.
//!
//! - What was asked for after the ack of another request of the same user comes after that in the log.
//! - Of requests that were each sent once, on one connection, the earlier comes first, whether it was acked or not.

use std::collections::BTreeMap;

use protocol::{ClientId, ConversationId, Position, Username};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, Story, place};
use crate::history::{ConnectionId, Happened};

const PROMISE: &str = "order";

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = acked_first(story);
    violations.extend(sent_first(story));
    violations
}

fn acked_first(story: &Story<'_>) -> Vec<Violation> {
    let mut acked: BTreeMap<(ConversationId, &Username), (Position, Index, &ClientId)> = BTreeMap::new();
    let mut begun: BTreeMap<(&Username, &ClientId), (Position, Index, &ClientId)> = BTreeMap::new();
    let mut asks = story.requests.iter().peekable();
    let mut violations = Vec::new();
    for (at, what) in story.iter() {
        if let Some(ask) = asks.next_if(|ask| ask.at == at)
            && let Some(conversation) = ask.conversation
            && story.requests.of(conversation, ask.user, ask.id).next().is_some_and(|first| first.at == at)
            && let Some(known) = acked.get(&(conversation, ask.user))
        {
            begun.insert((ask.user, ask.id), *known);
        }
        match what {
            Happened::Acked { device, id, conversation, position, .. } => {
                let Some(user) = story.people.owner(*device) else { continue };
                let last = acked.entry((*conversation, user)).or_insert((*position, at, id));
                if *position > last.0 {
                    *last = (*position, at, id);
                }
            }
            Happened::Committed { conversation, position, from, id, .. } => {
                let Some((before, acked_at, other)) = begun.get(&(from, id)) else { continue };
                if position <= before && other != &id {
                    let (here, there) = (place(*conversation, *position), place(*conversation, *before));
                    let acked_at = story.time(*acked_at);
                    let text = format!(
                        "{id} of {from} is at {here}, and was sent after the ack of {other} at {there} ({acked_at} ms)"
                    );
                    violations.push(story.violation(PROMISE, at, text));
                }
            }
            _ => {}
        }
    }
    violations
}

fn sent_first(story: &Story<'_>) -> Vec<Violation> {
    let mut last: BTreeMap<(ConnectionId, ConversationId), &Commit<'_>> = BTreeMap::new();
    let mut violations = Vec::new();
    for ask in story.requests.iter() {
        let Some(conversation) = ask.conversation else { continue };
        let mut commits = story.logs.of_request(ask.user, ask.id);
        let Some(commit) = commits.find(|commit| commit.conversation == conversation) else { continue };
        if story.requests.of(conversation, ask.user, ask.id).count() != 1 {
            continue;
        }
        let before = last.entry((ask.connection, conversation)).or_insert(commit);
        if commit.position < before.position {
            let places = [*before, commit].map(|commit| place(conversation, commit.position));
            let [first, second] = places;
            let text = format!(
                "{} of {} is at {second}, and was sent after {}, which is at {first}",
                ask.id, ask.user, before.id
            );
            violations.push(story.violation(PROMISE, commit.at, text));
        } else {
            *before = commit;
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, at};

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example
    }

    #[test]
    fn requests_in_the_order_of_their_sending_keep_it() {
        let mut example = example();
        example.ask("ada", "m1");
        example.ask("ada", "m2");
        example.commit("ada", "m1");
        example.commit("ada", "m2");
        example.assert_kept();
    }

    #[test]
    fn one_that_overtakes_on_its_connection_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        example.ask("ada", "m2");
        let mut repeated = example.clone();
        repeated.ask("ada", "m1");
        for example in [&mut example, &mut repeated] {
            example.commit("ada", "m2");
            example.commit("ada", "m1");
        }
        // Of one that was sent again it is not certain which sending became the event.
        repeated.assert_kept();
        example.assert_broken("order", "was sent after m1");
    }

    #[test]
    fn one_before_what_was_acked_before_it_was_sent_breaks_it() {
        let mut example = example();
        example.ask("ada", "m1");
        example.commit_at("ada", "m1", at(2, 1));
        example.ack("ada", "m1", at(2, 1), false);
        example.close("ada");
        example.open("ada");
        example.ask("ada", "m2");
        example.commit_at("ada", "m2", at(1, 2));
        let violations = example.check();
        let is_it = |text: &str| text.contains("was sent after the ack of m1");
        assert!(violations.iter().any(|violation| is_it(&violation.text)), "{violations:#?}");
    }
}
