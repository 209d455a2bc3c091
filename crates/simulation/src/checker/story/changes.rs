//! What became of messages: edits and deletions.

use std::collections::BTreeMap;

use protocol::{ConversationId, EventKind, Position};

use super::{Index, Logs, NEVER, Requests};
use crate::history::Request;

/// A message was edited or taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) at: Index,
    /// When it was lost, or [`NEVER`].
    pub(crate) lost_at: Index,
    /// The new text; nothing if it was taken back.
    pub(crate) text: Option<&'a str>,
}

/// What became of messages.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    of_messages: BTreeMap<(ConversationId, Position), Vec<Change<'a>>>,
    targets: BTreeMap<(ConversationId, Position), Position>,
}

impl<'a> Changes<'a> {
    pub(super) fn read(logs: &Logs<'a>, requests: &Requests<'a>) -> Self {
        let mut changes = Self::default();
        let changing = [EventKind::Edited, EventKind::Deleted];
        for commit in logs.iter().filter(|commit| changing.contains(&commit.kind)) {
            let conversation = commit.conversation;
            let asked = requests.of(conversation, commit.from, commit.id).next();
            let (seq, text) = match asked.map(|ask| ask.request) {
                Some(Request::Edit { seq, text }) => (*seq, Some(text.as_str())),
                Some(Request::Delete { seq }) => (*seq, None),
                _ => continue,
            };
            let Some(message) = logs.standing(conversation, seq, commit.at) else { continue };
            changes.targets.insert((conversation, commit.position), message.position);
            let of_message = changes.of_messages.entry((conversation, message.position)).or_default();
            of_message.push(Change { at: commit.at, lost_at: commit.lost_at, text });
        }
        changes
    }

    /// Gives what became of a message, in order.
    pub(crate) fn of(&self, conversation: ConversationId, message: Position) -> &[Change<'a>] {
        self.of_messages.get(&(conversation, message)).map_or(&[], Vec::as_slice)
    }

    /// Gives what became of a message in the end, if anything: nothing that was lost counts, and what was taken back stays so.
    pub(crate) fn last(&self, conversation: ConversationId, message: Position) -> Option<&Change<'a>> {
        let mut standing = self.of(conversation, message).iter().filter(|change| change.lost_at == NEVER);
        let taken_back = standing.clone().find(|change| change.text.is_none());
        taken_back.or_else(|| standing.next_back())
    }

    /// Gives all messages of which something became, with that, in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConversationId, Position)> {
        self.of_messages.keys().copied()
    }

    /// Gives the message that an edit or a deletion concerns.
    pub(crate) fn target(&self, conversation: ConversationId, change: Position) -> Option<Position> {
        self.targets.get(&(conversation, change)).copied()
    }
}
