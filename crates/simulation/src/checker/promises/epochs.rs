//! Epochs only grow.
//!
//! - Each table that is published has a greater epoch than all before it, whoever leads.
//! - A presence record is never replaced by one of an older epoch, but after a loss.
//! - While nothing is wrong, the `welcome`s of a shard name epochs that never go back.

use std::collections::{BTreeMap, VecDeque};

use protocol::Username;

use crate::checker::Violation;
use crate::checker::story::{Index, Story};
use crate::history::Happened;

const PROMISE: &str = "epochs";

/// The epochs that a shard has named.
#[derive(Default)]
struct Named {
    /// The last ones: of two that come so shortly after each other the later one may have been sent first.
    recent: VecDeque<(Index, u64)>,
    /// The greatest one before these.
    greatest: Option<(Index, u64)>,
    /// Since when nothing was wrong when it was last looked.
    calm_since: u64,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut published: Option<(Index, u64)> = None;
    let mut recorded: BTreeMap<&Username, (Index, u64)> = BTreeMap::new();
    let mut named: BTreeMap<&str, Named> = BTreeMap::new();
    let mut violations = Vec::new();
    for (at, what) in story.iter() {
        let wrong = match what {
            Happened::Published { epoch, by } => {
                let before = published.filter(|(_, before)| before >= epoch);
                if before.is_none() {
                    published = Some((at, *epoch));
                }
                before.map(|before| (format!("{by} published a table of epoch {epoch}"), before))
            }
            Happened::LostTail { .. } => {
                recorded.clear();
                None
            }
            Happened::Recorded { user, epoch, .. } => {
                let before = recorded.insert(user, (at, *epoch)).filter(|(_, before)| before > epoch);
                before.map(|before| {
                    (format!("the presence of {user} was recorded under epoch {epoch}"), before)
                })
            }
            Happened::Opened { shard, epoch, .. } => {
                let before = named.entry(shard).or_default().take(story, at, *epoch);
                before.map(|before| (format!("{shard} welcomes under epoch {epoch}"), before))
            }
            _ => None,
        };
        violations.extend(wrong.map(|(what, (before, epoch))| {
            let text = format!("{what}, after epoch {epoch} at {} ms", story.time(before));
            story.violation(PROMISE, at, text)
        }));
    }
    violations
}

impl Named {
    /// Takes an epoch, and gives an earlier one that is greater.
    fn take(&mut self, story: &Story<'_>, at: Index, epoch: u64) -> Option<(Index, u64)> {
        let (now, way) = (story.time(at), story.bounds.way);
        let calm_since = story.troubles.calm_since(now);
        if calm_since != self.calm_since {
            // It may be another process by now, that begins with an older table.
            *self = Self { calm_since, ..Self::default() };
        }
        if now <= calm_since + way {
            return None;
        }
        while let Some(first) = self.recent.pop_front_if(|(at, _)| story.time(*at) + way < now) {
            if self.greatest.is_none_or(|greatest| greatest.1 < first.1) {
                self.greatest = Some(first);
            }
        }
        self.recent.push_back((at, epoch));
        self.greatest.filter(|greatest| greatest.1 > epoch)
    }
}

#[cfg(test)]
mod tests {
    use protocol::presence::Status;

    use crate::checker::example::{Example, name};
    use crate::history::Happened;

    fn publish(example: &mut Example, epoch: u64) {
        example.note(Happened::Published { epoch, by: "registry-0".to_owned() });
    }

    fn record(example: &mut Example, epoch: u64) {
        let (user, status) = (name("ada"), Status::Online);
        example.note(Happened::Recorded { user, epoch, status, connected: true });
    }

    #[test]
    fn tables_have_greater_epochs() {
        let mut example = Example::of(&["ada"]);
        publish(&mut example, 1);
        publish(&mut example, 2);
        example.assert_kept();
        publish(&mut example, 2);
        example.assert_broken("epochs", "after epoch 2");
    }

    #[test]
    fn records_have_no_older_epochs() {
        let mut example = Example::of(&["ada"]);
        record(&mut example, 2);
        record(&mut example, 2);
        let mut lost = example.clone();
        lost.lose(1);
        for example in [&mut example, &mut lost] {
            record(example, 1);
        }
        lost.assert_kept();
        example.assert_broken("epochs", "recorded under epoch 1");
    }

    #[test]
    fn welcomes_have_no_older_epochs_unless_something_was_wrong() {
        let mut example = Example::of(&["ada", "ben"]);
        example.pass(10_000);
        example.open_at("ada", "chat-0", 7);
        // It may have been sent before the other.
        example.open_at("ben", "chat-0", 6);
        example.open_at("ben", "chat-1", 6);
        example.assert_kept();
        let mut restarted = example.clone();
        restarted.note(Happened::Fault("crash".to_owned()));
        restarted.note(Happened::Healed("crash".to_owned()));
        for example in [&mut example, &mut restarted] {
            example.pass(10_000);
            example.open_at("ben", "chat-0", 6);
        }
        restarted.assert_kept();
        example.assert_broken("epochs", "chat-0 welcomes under epoch 6");
    }
}
