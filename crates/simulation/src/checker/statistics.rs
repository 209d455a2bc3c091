//! What is worth knowing of a history besides its violations.

use std::collections::BTreeSet;

use super::promises;
use super::story::{NEVER, Story};
use super::{Bounds, Moment};
use crate::history::Happened;
use crate::store::Truth;

/// What is worth knowing of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Events that the store took.
    pub committed: usize,
    /// Acks that came.
    pub acked: usize,
    /// Events that connections were shown.
    pub shown: usize,
    /// Pushes that the provider was given.
    pub pushed: usize,
    /// Those of them that were given to the same device before.
    pub pushed_again: usize,
    /// Events that the store lost.
    pub lost: usize,
    /// Acked requests of which no event is left: lost, and not appended again.
    pub acked_and_lost: usize,
    /// Entries that are left in the outbox.
    pub outbox_left: usize,
}

/// Counts what is worth knowing of a history.
pub fn statistics(history: &[Moment], truth: &Truth) -> Statistics {
    let bounds = Bounds::default();
    let story = Story::new(history, truth, &bounds);
    let mut counted = Statistics {
        committed: story.logs.iter().count(),
        pushed_again: promises::repeated_pushes(&story),
        lost: story.logs.iter().filter(|commit| commit.lost_at < NEVER).count(),
        outbox_left: truth.outbox_left.len(),
        ..Statistics::default()
    };
    let mut gone = BTreeSet::new();
    for (_, what) in story.iter() {
        match what {
            Happened::Acked { device, id, conversation, .. } => {
                counted.acked += 1;
                let Some(user) = story.people.owner(*device) else { continue };
                let commits = story.logs.of_request(user, id);
                let mut of_conversation = commits.filter(|commit| commit.conversation == *conversation);
                if of_conversation.all(|commit| commit.lost_at < NEVER) {
                    gone.insert((user, id, *conversation));
                }
            }
            Happened::Shown { .. } => counted.shown += 1,
            Happened::Pushed { .. } => counted.pushed += 1,
            _ => {}
        }
    }
    Statistics { acked_and_lost: gone.len(), ..counted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::example::{Example, TALK, name};

    #[test]
    fn what_happened_is_counted() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        for id in ["m1", "m2", "m3"] {
            let place = example.say("ada", id);
            example.show("ben", place);
        }
        example.lose(2);
        example.ask("ada", "m2");
        example.commit("ada", "m2");
        for _ in 0..2 {
            let (user, device) = (name("ben"), "phone".to_owned());
            example.note(Happened::Pushed { user, device, conversation: TALK, seq: 1 });
        }
        let counted = Statistics {
            committed: 4,
            acked: 3,
            shown: 3,
            pushed: 2,
            pushed_again: 1,
            lost: 2,
            acked_and_lost: 1,
            outbox_left: 0,
        };
        assert_eq!(example.statistics(), counted);
    }
}
