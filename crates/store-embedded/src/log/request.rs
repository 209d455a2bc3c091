//! Which requests were fulfilled, so that a repeated one is recognised.
//!
//! Remembered for at least 24 hours, in the order of the log: each append forgets at most a few that are older.

use ports::{Append, Appended, Error, Result};
use protocol::{ClientId, ConversationId, Position, Timestamp, Username};

use super::End;
use super::record::{self, Record};
use crate::engine::View;
use crate::keys::Table;
use crate::packing::{Packer, Parts, unreadable};
use crate::writer::Transaction;

/// How long a request is remembered, in milliseconds.
const REMEMBERED: u64 = 24 * 60 * 60 * 1000;
/// How many requests one append forgets at most: more than it adds, so that a backlog shrinks.
const FORGOTTEN_AT_ONCE: usize = 2;

/// Gives what became of a request that was fulfilled before. Fails with `IdConflict` if that was another one of the same id.
pub(super) fn repeated(
    view: &dyn View,
    key: &[u8],
    append: &Append,
    version: u64,
) -> Result<Option<Appended>> {
    let Some(request) = view.get(key)? else { return Ok(None) };
    let mut parts = Parts::of(&request);
    let (seq, digest) = (parts.number()?, parts.number()?);
    if digest != append.digest {
        return Err(Error::IdConflict);
    }
    let stored = record::stored(view, append.conversation, seq)?.ok_or_else(unreadable)?;
    let first = Record::of(&stored)?;
    let position = Position { r#gen: first.generation, seq };
    Ok(Some(Appended { position, sent_at: first.at, duplicate: true, version }))
}

/// Gives a request's key.
pub(super) fn key(conversation: ConversationId, from: &Username, id: &ClientId) -> Vec<u8> {
    Table::Request.key().id(&conversation.0).name(from).rest(id.as_str()).bytes()
}

/// Gives what is remembered of a request.
pub(super) fn value(seq: u64, digest: u64) -> Vec<u8> {
    Packer::with_capacity(16).number(seq).number(digest).bytes()
}

/// Forgets the oldest requests of a log that ends at `end` if they are old enough.
///
/// Gives the event whose request is the oldest that is left, and when it was appended, if it looked that up: `known_at` is what the last call gave.
pub(super) fn forget_old(
    transaction: &mut Transaction<'_>,
    append: &Append,
    end: End,
    known_at: Option<Timestamp>,
) -> Result<(u64, Option<Timestamp>)> {
    let id = append.conversation;
    let (mut oldest, mut oldest_at) = (end.oldest_request, known_at);
    for _ in 0..FORGOTTEN_AT_ONCE {
        let is_young = oldest_at.is_some_and(|at| append.at.since(at) <= REMEMBERED);
        if is_young || oldest > end.position.seq {
            break;
        }
        let stored = record::stored(transaction, id, oldest)?.ok_or_else(unreadable)?;
        let event = Record::of(&stored)?;
        oldest_at = Some(event.at);
        if append.at.since(event.at) > REMEMBERED {
            let body = event.decode()?;
            transaction.delete(key(id, &body.from, &body.id));
            (oldest, oldest_at) = (oldest + 1, None);
        }
    }
    Ok((oldest, oldest_at))
}
