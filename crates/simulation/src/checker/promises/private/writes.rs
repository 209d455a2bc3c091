//! Members write, while nobody is blocked, and edit what is theirs.

use protocol::EventKind;
use protocol::conversation::ConversationKind;

use super::PROMISE;
use crate::checker::Violation;
use crate::checker::story::{Commit, Story, place};

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for commit in story.logs.iter() {
        if let Some(wrong) = wrong(story, commit) {
            let place = place(commit.conversation, commit.position);
            let text = format!("{} of {} was committed at {place}, {wrong}", commit.id, commit.from);
            violations.push(story.violation(PROMISE, commit.at, text));
        }
    }
    violations
}

/// Says why an event may not be there.
fn wrong(story: &Story<'_>, commit: &Commit<'_>) -> Option<String> {
    let Commit { at, conversation, position, from, kind, .. } = *commit;
    if story.members.stay(conversation, from, at).is_none() {
        return Some("and the user is no member".to_owned());
    }
    if story.members.is_blocked(conversation, at) {
        return Some("though nobody may write there".to_owned());
    }
    let target = story.changes.target(conversation, position)?;
    let message = story.logs.at(conversation, target)?;
    let record = story.truth.conversations.get(&conversation).map(|known| &known.record);
    // In a group, an admin may take back what others wrote.
    let is_direct = record.is_some_and(|record| record.kind == ConversationKind::Direct);
    let is_to_be_own = kind == EventKind::Edited || is_direct;
    (is_to_be_own && message.from != from).then(|| format!("and changes a message of {}", message.from))
}

#[cfg(test)]
mod tests {
    use crate::checker::example::Example;

    #[test]
    fn only_members_write() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.say("ada", "m1");
        example.assert_kept();
        example.members(&[("ben", 0)]);
        example.say("ada", "m2");
        example.assert_broken("private", "no member");
    }

    #[test]
    fn nobody_writes_where_somebody_is_blocked() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.block(&[("ada", 0), ("ben", 0)]);
        example.say("ada", "m1");
        example.assert_broken("private", "nobody may write");
    }

    #[test]
    fn everybody_edits_their_own() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        example.say("ada", "m1");
        example.edit("ada", "e1", 1);
        example.assert_kept();
        example.edit("ben", "e2", 1);
        example.assert_broken("private", "changes a message of ada");
    }
}
