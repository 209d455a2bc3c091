//! Edits and deletions of messages: the stored message is rewritten, so that later readers find it as it is now.

use ports::{Append, Error, Result};
use protocol::EventBody;
use protocol::conversation::{ConversationKind, Role};

use super::reaction;
use super::record::{self, Kind, Record};
use crate::engine::View;
use crate::keys::Table;
use crate::packing::{Parts, unreadable};
use crate::writer::Transaction;

/// Gives a message another text.
pub(super) fn edit(
    transaction: &mut Transaction<'_>,
    append: &Append,
    target: u64,
    text: &str,
    seq: u64,
) -> Result<()> {
    let (stored, mut message) = message(transaction, append, target)?;
    if message.from != append.from {
        return Err(Error::NotAllowed);
    }
    message.text = Some(text.to_owned());
    message.content = None;
    message.edited_at = Some(append.at);
    rewrite(transaction, append, target, &stored, &message)?;
    let edit = Table::EditOf.key().id(&append.conversation.0).number(target).number(seq);
    transaction.put(edit.bytes(), Vec::new());
    Ok(())
}

/// Takes the text and the reactions from a message, and the texts from the events that edited it.
pub(super) fn delete(
    transaction: &mut Transaction<'_>,
    append: &Append,
    target: u64,
    kind: ConversationKind,
    role: Role,
) -> Result<()> {
    let (stored, mut message) = message(transaction, append, target)?;
    let is_admin = kind == ConversationKind::Group && role >= Role::Admin;
    if message.from != append.from && !is_admin {
        return Err(Error::NotAllowed);
    }
    take_back(&mut message);
    rewrite(transaction, append, target, &stored, &message)?;
    let edits = Table::EditOf.key().id(&append.conversation.0).number(target).range();
    let view: &dyn View = transaction;
    for edit in view.read_all(&edits, |key, _| seq_of_edit(key))? {
        let stored = record::stored(transaction, append.conversation, edit)?.ok_or_else(unreadable)?;
        let mut body = Record::of(&stored)?.decode()?;
        take_back(&mut body);
        rewrite(transaction, append, edit, &stored, &body)?;
    }
    reaction::remove_all(transaction, append.conversation, target)
}

/// Gives a message that is not deleted, as it is stored and decoded. Fails with `MessageNotFound`.
pub(super) fn message(view: &dyn View, append: &Append, target: u64) -> Result<(bytes::Bytes, EventBody)> {
    let stored = record::stored(view, append.conversation, target)?.ok_or(Error::MessageNotFound)?;
    let record = Record::of(&stored)?;
    if record.kind != Kind::Message {
        return Err(Error::MessageNotFound);
    }
    let body = record.decode()?;
    if body.deleted { Err(Error::MessageNotFound) } else { Ok((stored, body)) }
}

fn take_back(body: &mut EventBody) {
    body.text = None;
    body.content = None;
    body.deleted = true;
}

fn seq_of_edit(key: &[u8]) -> Result<u64> {
    let mut parts = Parts::of(key);
    parts.byte()?;
    parts.id()?;
    parts.number()?;
    parts.number()
}

fn rewrite(
    transaction: &mut Transaction<'_>,
    append: &Append,
    seq: u64,
    stored: &[u8],
    body: &EventBody,
) -> Result<()> {
    transaction.put(record::key(append.conversation, seq), Record::of(stored)?.with_body(body));
    Ok(())
}
