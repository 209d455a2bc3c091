//! Direct conversations: one for each pair of users, and one for each user alone.

use ports::{Conversation, ConversationMember, Error, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp, Username};

use super::{Meta, conversation, membership, meta, put_meta};
use crate::engine::View;
use crate::keys::Table;
use crate::packing::{Parts, unreadable};
use crate::writer::WriteContext;
use crate::{accounts, contacts};

/// Gives the direct conversation of two users, if there is one. Fails with `UserNotFound`.
pub(super) fn find(view: &dyn View, from: &Username, to: &Username) -> Result<Option<Conversation>> {
    accounts::check_exists(view, from)?;
    accounts::check_exists(view, to)?;
    match between(view, from, to)? {
        Some(id) => conversation(view, id),
        None => Ok(None),
    }
}

/// Gives the direct conversation of two users, and makes it, with the identifier `id`, if there is none.
pub(super) fn find_or_make(
    context: &mut WriteContext<'_>,
    from: &Username,
    to: &Username,
    id: ConversationId,
    at: Timestamp,
) -> Result<Conversation> {
    if let Some(conversation) = find(context.view(), from, to)? {
        return Ok(conversation);
    }
    if contacts::is_closed(context.view(), from, to)? {
        return Err(Error::NotAllowed);
    }
    let mut meta = Meta {
        kind: ConversationKind::Direct,
        title: None,
        created_at: at,
        version: 1,
        blocked: false,
        members: 0,
    };
    context.put(pair_key(from, to), id.0.to_vec());
    for username in if from == to { vec![from] } else { vec![from, to] } {
        let member = ConversationMember { username: username.clone(), role: Role::Member, joined_at_seq: 0 };
        membership::join(context, id, &mut meta, &member)?;
    }
    put_meta(context, id, &meta)?;
    conversation(context.view(), id)?.ok_or_else(unreadable)
}

/// Gives the identifier of the direct conversation of two users, if there is one.
fn between(view: &dyn View, one: &Username, other: &Username) -> Result<Option<ConversationId>> {
    view.get(&pair_key(one, other))?.map(|id| Parts::of(&id).conversation()).transpose()
}

/// Closes or opens the direct conversation of two users, as their blocks want it, and gives its identifier if there is one.
pub(crate) fn close_or_open(
    context: &mut WriteContext<'_>,
    one: &Username,
    other: &Username,
) -> Result<Option<ConversationId>> {
    let Some(id) = between(context.view(), one, other)? else { return Ok(None) };
    let blocked = contacts::is_closed(context.view(), one, other)?;
    let mut meta = meta(context.view(), id)?.ok_or_else(unreadable)?;
    if meta.blocked != blocked {
        meta.blocked = blocked;
        meta.version += 1;
        put_meta(context, id, &meta)?;
    }
    Ok(Some(id))
}

fn pair_key(one: &Username, other: &Username) -> Vec<u8> {
    Table::Pair.key().name(one.min(other)).rest(one.max(other).as_str()).bytes()
}
