//! Marks: how far a member has read, and how far it was delivered.
//!
//! - They never go back, but by a loss.
//! - Nobody is marked as having read what none of their devices said to have read, unless they wrote it or joined after it.
//! - At the end they are where they were moved last.
//! - A receipt never tells more than was true when it came.

use std::collections::BTreeMap;

use protocol::{ConversationId, Username};

use crate::checker::Violation;
use crate::checker::story::{Index, NEVER, Story};
use crate::history::Happened;

const PROMISE: &str = "marks";

/// A member's marks on the way through a history.
#[derive(Default)]
struct Marks {
    /// The last ones, with their moment, unless they may have been lost.
    last: Option<(Index, u64, u64)>,
    /// The greatest that there ever were.
    read: u64,
    delivered: u64,
    /// How far the member can have read.
    readable: u64,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut all: BTreeMap<(ConversationId, &Username), Marks> = BTreeMap::new();
    let mut violations = Vec::new();
    for (at, what) in story.iter() {
        match what {
            Happened::Members { conversation, members, .. } => {
                for (user, joined) in members {
                    all.entry((*conversation, user)).or_default().join(*joined);
                }
            }
            Happened::Read { device, conversation, seq } => {
                let Some(user) = story.people.owner(*device) else { continue };
                all.entry((*conversation, user)).or_default().may_read(*seq);
            }
            Happened::Committed { conversation, position, from, .. } => {
                all.entry((*conversation, from)).or_default().may_read(position.seq);
            }
            Happened::LostTail { .. } => all.values_mut().for_each(|marks| marks.last = None),
            Happened::Marked { conversation, user, read, delivered } => {
                let marks = all.entry((*conversation, user)).or_default();
                if let Some(wrong) = marks.moved(story, at, *read, *delivered) {
                    let text = format!(
                        "{user} in {conversation} is marked as read up to {read} and delivered up to {delivered}, {wrong}"
                    );
                    violations.push(story.violation(PROMISE, at, text));
                }
            }
            Happened::ReceiptShown { device, receipt, .. } => {
                let known = all.get(&(receipt.conversation, &receipt.user));
                let (read, delivered) = known.map_or((0, 0), |marks| (marks.read, marks.delivered));
                if receipt.read.unwrap_or(0) > read || receipt.delivered.unwrap_or(0) > delivered {
                    let (who, user, id) = (story.name(*device), &receipt.user, receipt.conversation);
                    let said =
                        format!("{user} in {id} has read {:?} and got {:?}", receipt.read, receipt.delivered);
                    let text = format!("{who} was shown that {said}; it was {read} and {delivered} at most");
                    violations.push(story.violation(PROMISE, at, text));
                }
            }
            _ => {}
        }
    }
    for ((id, user), marks) in &all {
        let Some((at, read, delivered)) = marks.last else { continue };
        let stay = story.members.stays(*id, user).last();
        let is_in = stay.is_some_and(|stay| stay.span.from < at && stay.span.until == NEVER);
        let truth = story.truth.conversations.get(id).and_then(|known| known.marks.get(*user));
        if let Some(truth) = truth.filter(|truth| is_in && **truth != (read, delivered)) {
            let last = story.time(at);
            let text = format!(
                "at the end, {user} in {id} has the marks {truth:?}; they were moved to {read} and {delivered} at {last} ms"
            );
            violations.push(story.violation(PROMISE, NEVER, text));
        }
    }
    violations
}

impl Marks {
    /// One who joins has read what was there.
    fn join(&mut self, joined: u64) {
        self.read = self.read.max(joined);
        self.delivered = self.delivered.max(joined);
        self.readable = self.readable.max(joined);
    }

    fn may_read(&mut self, seq: u64) {
        self.readable = self.readable.max(seq);
    }

    /// Takes the new marks, and says what is wrong with them.
    fn moved(&mut self, story: &Story<'_>, at: Index, read: u64, delivered: u64) -> Option<String> {
        let before = self.last.replace((at, read, delivered));
        self.read = self.read.max(read);
        self.delivered = self.delivered.max(delivered);
        match before {
            Some((before, old_read, old_delivered)) if read < old_read || delivered < old_delivered => {
                let before = story.time(before);
                Some(format!("after {old_read} and {old_delivered} at {before} ms"))
            }
            _ if read > self.readable => Some(format!("and can have read up to {} only", self.readable)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::chat::Receipt;

    use crate::checker::example::{Example, TALK, name};
    use crate::history::Happened;

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        for id in ["m1", "m2"] {
            let place = example.say("ada", id);
            example.show("ben", place);
        }
        example
    }

    fn read(example: &mut Example, seq: u64) {
        let device = example.device("ben");
        example.note(Happened::Read { device, conversation: TALK, seq });
    }

    fn receipt(example: &mut Example, seq: u64) {
        let (device, connection) = (example.device("ada"), example.chat("ada"));
        let receipt = Receipt { conversation: TALK, user: name("ben"), delivered: Some(seq), read: None };
        example.note(Happened::ReceiptShown { device, connection, receipt });
    }

    #[test]
    fn marks_that_go_on_keep_it_and_such_that_go_back_break_it() {
        let mut example = example();
        read(&mut example, 2);
        example.mark("ben", 1, 2);
        example.mark("ben", 2, 2);
        receipt(&mut example, 2);
        example.assert_kept();
        example.mark("ben", 1, 2);
        example.assert_broken("marks", "after 2 and 2");
    }

    #[test]
    fn a_loss_may_take_them_back() {
        let mut example = example();
        example.mark("ben", 0, 2);
        example.lose(2);
        example.mark("ben", 0, 1);
        example.assert_kept();
    }

    #[test]
    fn what_nobody_has_read_breaks_it() {
        let mut example = example();
        read(&mut example, 1);
        example.mark("ben", 2, 2);
        example.assert_broken("marks", "can have read up to 1 only");
    }

    #[test]
    fn marks_that_are_others_at_the_end_break_it() {
        let mut example = example();
        example.mark("ben", 0, 2);
        for talk in example.truth.conversations.values_mut() {
            talk.marks.insert(name("ben"), (0, 1));
        }
        example.assert_broken("marks", "at the end");
    }

    #[test]
    fn a_receipt_that_tells_more_than_is_true_breaks_it() {
        let mut example = example();
        example.mark("ben", 0, 1);
        receipt(&mut example, 2);
        example.assert_broken("marks", "was shown that ben");
    }
}
