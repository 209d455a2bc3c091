//! Appending an event: one command of the writer, and its hottest.

use ports::{Append, Appended, Error, Operation, Result};
use protocol::Position;

use super::record::{self, Kind, Record};
use super::{End, change, reaction, request};
use crate::conversations::read_mark;
use crate::outbox;
use crate::writer::{WriteContext, WriterMemory};

/// Appends an event with all that goes with it. It changes what the writer knows in memory only once nothing can fail any more.
pub(super) fn append(context: &mut WriteContext<'_>, append: &Append) -> Result<Appended> {
    let WriteContext { transaction, memory } = context;
    let WriterMemory { generation, outbox, conversations } = &mut **memory;
    let id = append.conversation;
    let conversation = conversations.get(transaction, id)?;
    let role = conversation.role(transaction, id, &append.from)?;
    let version = conversation.version;

    let request_key = request::key(id, &append.from, &append.id);
    if let Some(appended) = request::repeated(transaction, &request_key, append, version)? {
        return Ok(appended);
    }
    if conversation.blocked {
        return Err(Error::NotAllowed);
    }
    let seq = conversation.end.position.seq + 1;
    match &append.operation {
        Operation::Message => {}
        Operation::Edit { target, text } => change::edit(transaction, append, *target, text, seq)?,
        Operation::Delete { target } => {
            change::delete(transaction, append, *target, conversation.kind, role)?;
        }
        Operation::React { target, emoji, active } => {
            reaction::react(transaction, append, *target, emoji, *active, seq)?;
        }
    }
    let (oldest_request, oldest_request_at) =
        request::forget_old(transaction, append, conversation.end, conversation.oldest_request_at)?;

    let is_message = append.operation == Operation::Message;
    let kind = if is_message { Kind::Message } else { Kind::Other };
    let event = Record { kind, generation: *generation, at: append.at, body: &append.body };
    transaction.put(record::key(id, seq), event.bytes());
    transaction.put(request_key, request::value(seq, append.digest));
    let position = Position { r#gen: *generation, seq };
    conversation.end = End { position, at: append.at, oldest_request };
    conversation.oldest_request_at = oldest_request_at;
    let (end_key, end) = conversation.end.record(id);
    transaction.put(end_key, end);
    if is_message {
        let (mark_key, mark) = read_mark(id, &append.from, seq);
        transaction.put(mark_key, mark);
        if conversation.has_others {
            outbox::put(transaction, outbox, append, seq, version);
        }
    }
    Ok(Appended { position, sent_at: append.at, duplicate: false, version })
}
