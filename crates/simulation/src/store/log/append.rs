//! Appending an event.

use std::sync::Arc;

use ports::{Append, Appended, Error, Operation, Result};
use protocol::{EventKind, Position};

use super::super::data::{StoredConversation, StoredEvent};
use super::super::state::State;
use super::effect::Effect;
use crate::defect::Defect;
use crate::history::Happened;

impl State {
    /// Appends an event with all that goes with it; nothing is changed if it fails.
    ///
    /// A repeated request is recognised unless the store `forgets`, which is a defect.
    pub(super) fn append(&mut self, append: &Append, forgets: bool) -> Result<Appended> {
        let id = append.conversation;
        let stored = self.stored(id)?;
        let role = stored.members.get(&append.from).ok_or(Error::ConversationNotFound)?.role;
        if !forgets && let Some(appended) = repeated(stored, append)? {
            return Ok(appended);
        }
        if stored.blocked && !self.has(Defect::BlockIgnored) {
            return Err(Error::NotAllowed);
        }
        let effect = match Effect::of(stored, append, role)? {
            Effect::Edit(..) if self.has(Defect::EditForgotten) => Effect::Nothing,
            effect => effect,
        };
        let (version, has_others) = (stored.version, stored.members.len() > 1);
        let position = Position { r#gen: self.generation(&id), seq: stored.end().seq + 1 };
        let event = event(append, position);
        let (kind, is_entered) = (event.kind, event.kind == EventKind::Message && has_others);

        let mut marks = None;
        if let Some(stored) = self.change().conversations.edit(&id) {
            effect.apply(stored, position.seq);
            stored.log.push(Arc::new(event));
            if kind == EventKind::Message
                && let Some(sender) = stored.members.get_mut(&append.from)
            {
                sender.read = position.seq;
                marks = Some((sender.read, sender.delivered));
            }
        }
        if is_entered {
            self.enter(append, position.seq, version);
        }
        self.note(Happened::Committed {
            conversation: id,
            position,
            from: append.from.clone(),
            id: append.id.clone(),
            kind,
            outbox: is_entered,
        });
        if let Some((read, delivered)) = marks {
            self.note(Happened::Marked { conversation: id, user: append.from.clone(), read, delivered });
        }
        Ok(Appended { position, sent_at: append.at, duplicate: false, version })
    }
}

/// Gives what became of a request that was fulfilled before. Fails with `IdConflict` if that was another one of the same id.
///
/// Requests are remembered for ever: a world is over before one may be forgotten.
fn repeated(stored: &StoredConversation, append: &Append) -> Result<Option<Appended>> {
    let mut newest_first = stored.log.iter().rev();
    let Some(first) = newest_first.find(|event| event.id == append.id && event.from == append.from) else {
        return Ok(None);
    };
    if first.digest != append.digest {
        return Err(Error::IdConflict);
    }
    let (position, sent_at, version) = (first.position, first.at, stored.version);
    Ok(Some(Appended { position, sent_at, duplicate: true, version }))
}

fn event(append: &Append, position: Position) -> StoredEvent {
    let (kind, target) = match append.operation {
        Operation::Message => (EventKind::Message, None),
        Operation::Edit { target, .. } => (EventKind::Edited, Some(target)),
        Operation::Delete { target } => (EventKind::Deleted, Some(target)),
        Operation::React { target, .. } => (EventKind::Reacted, Some(target)),
    };
    StoredEvent {
        position,
        at: append.at,
        kind,
        from: append.from.clone(),
        id: append.id.clone(),
        digest: append.digest,
        target,
        first: append.body.clone(),
        body: append.body.clone(),
    }
}
