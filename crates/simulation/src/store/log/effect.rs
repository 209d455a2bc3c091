//! What an event does to what is there: edits, deletions and reactions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use ports::{Append, Error, Operation, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{EventBody, EventKind, Username};

use super::super::data::{StoredConversation, StoredEvent};
use super::decode;

/// How many different emojis a message may have.
const EMOJIS: usize = 100;

/// What is to be changed, after all was checked.
pub(super) enum Effect {
    /// Nothing.
    Nothing,
    /// A message has another body.
    Edit(u64, Bytes),
    /// A message and the events that edited it have bodies without texts, and the message has no reactions.
    TakeBack(u64, Vec<(u64, Bytes)>),
    /// A reaction is put on.
    PutOn((u64, Username, String)),
    /// A reaction is taken off.
    TakeOff((u64, Username, String)),
}

impl Effect {
    /// Gives what an append does. Fails if it may not.
    pub(super) fn of(stored: &StoredConversation, append: &Append, role: Role) -> Result<Self> {
        match &append.operation {
            Operation::Message => Ok(Self::Nothing),
            Operation::Edit { target, text } => edit(stored, append, *target, text),
            Operation::Delete { target } => take_back(stored, append, *target, role),
            Operation::React { target, emoji, active } => react(stored, append, *target, emoji, *active),
        }
    }

    /// Does it, for the event with this seq.
    pub(super) fn apply(self, stored: &mut StoredConversation, seq: u64) {
        match self {
            Self::Nothing => {}
            Self::Edit(target, body) => rewrite(stored, target, body),
            Self::TakeBack(message, bodies) => {
                bodies.into_iter().for_each(|(target, body)| rewrite(stored, target, body));
                stored.reactions.retain(|(target, ..), _| *target != message);
            }
            Self::PutOn(reaction) => {
                stored.reactions.entry(reaction).or_insert(seq);
            }
            Self::TakeOff(reaction) => {
                stored.reactions.remove(&reaction);
            }
        }
    }
}

fn edit(stored: &StoredConversation, append: &Append, target: u64, text: &str) -> Result<Effect> {
    let mut message = message(stored, target)?;
    if message.from != append.from {
        return Err(Error::NotAllowed);
    }
    message.text = Some(text.to_owned());
    message.content = None;
    message.edited_at = Some(append.at);
    Ok(Effect::Edit(target, message.encode()))
}

fn take_back(stored: &StoredConversation, append: &Append, target: u64, role: Role) -> Result<Effect> {
    let message = message(stored, target)?;
    let is_admin = stored.kind == ConversationKind::Group && role >= Role::Admin;
    if message.from != append.from && !is_admin {
        return Err(Error::NotAllowed);
    }
    let mut bodies = vec![(target, without_text(message))];
    let edits =
        stored.log.iter().filter(|event| event.kind == EventKind::Edited && event.target == Some(target));
    for edit in edits {
        bodies.push((edit.position.seq, without_text(decode(&edit.body)?)));
    }
    Ok(Effect::TakeBack(target, bodies))
}

fn react(
    stored: &StoredConversation,
    append: &Append,
    target: u64,
    emoji: &str,
    active: bool,
) -> Result<Effect> {
    message(stored, target)?;
    let reaction = (target, append.from.clone(), emoji.to_owned());
    if !active {
        return Ok(Effect::TakeOff(reaction));
    }
    let on_message = stored.reactions.keys().filter(|(message, ..)| *message == target);
    let emojis: BTreeSet<&str> = on_message.map(|(_, _, emoji)| emoji.as_str()).collect();
    if emojis.len() >= EMOJIS && !emojis.contains(emoji) {
        return Err(Error::LimitReached("different emojis on a message"));
    }
    Ok(Effect::PutOn(reaction))
}

/// Gives a message that was not taken back. Fails with `MessageNotFound`.
fn message(stored: &StoredConversation, target: u64) -> Result<EventBody> {
    let event = stored.event(target).filter(|event| event.kind == EventKind::Message);
    let body = decode(&event.ok_or(Error::MessageNotFound)?.body)?;
    if body.deleted { Err(Error::MessageNotFound) } else { Ok(body) }
}

fn without_text(mut body: EventBody) -> Bytes {
    body.text = None;
    body.content = None;
    body.deleted = true;
    body.encode()
}

fn rewrite(stored: &mut StoredConversation, seq: u64, body: Bytes) {
    let index = usize::try_from(seq - 1).unwrap_or(usize::MAX);
    if let Some(event) = stored.log.get_mut(index) {
        *event = Arc::new(StoredEvent { body, ..StoredEvent::clone(event) });
    }
}
