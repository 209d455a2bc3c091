//! What a user has of conversations: muted or not, and the marks.
//!
//! The read mark is a record of its own, because each message moves its sender's without anything being read for it.

use std::collections::BTreeMap;

use ports::{ConversationMember, Error, Membership, Result};
use protocol::{ConversationId, Username};

use super::{Meta, member_key, meta, put_member};
use crate::engine::View;
use crate::keys::Table;
use crate::log::End;
use crate::packing::{Packer, Parts, unreadable};
use crate::writer::WriteContext;

/// The field with mutedness and the delivered mark.
const STATE: u8 = 0;
/// The field with the read mark.
const READ: u8 = 1;

/// A membership as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stored {
    muted: bool,
    delivered: u64,
    read: u64,
}

/// Makes a user a member: the caller writes `meta`.
pub(super) fn join(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    meta: &mut Meta,
    member: &ConversationMember,
) -> Result<()> {
    meta.members += 1;
    put_member(context, id, member);
    let joined = member.joined_at_seq;
    put(context, id, &member.username, Stored { muted: false, delivered: joined, read: joined });
    increase_version(context, &member.username)
}

/// Makes a user no member any more: the caller writes `meta`.
pub(super) fn leave(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    meta: &mut Meta,
    username: &Username,
) -> Result<()> {
    meta.members = meta.members.saturating_sub(1);
    context.delete(member_key(id, username));
    context.delete(key(id, username, STATE));
    context.delete(key(id, username, READ));
    increase_version(context, username)
}

/// Gives what a user has of all conversations.
pub(super) fn all(view: &dyn View, username: &Username) -> Result<Vec<Membership>> {
    let mut found: BTreeMap<ConversationId, Stored> = BTreeMap::new();
    for (id, field, value) in fields(view, username)? {
        read_field(found.entry(id).or_default(), field, &value)?;
    }
    found.into_iter().map(|(id, stored)| membership(view, id, stored)).collect()
}

/// Gives the conversations of which a user is a member.
pub(super) fn ids(view: &dyn View, username: &Username) -> Result<Vec<ConversationId>> {
    let states = fields(view, username)?.into_iter().filter(|(_, field, _)| *field == STATE);
    Ok(states.map(|(id, _, _)| id).collect())
}

/// Gives what a user has of one conversation.
pub(super) fn one(view: &dyn View, id: ConversationId, username: &Username) -> Result<Option<Membership>> {
    match stored(view, id, username)? {
        Some(stored) => membership(view, id, stored).map(Some),
        None => Ok(None),
    }
}

/// Gives how often a user joined or left.
pub(super) fn version(view: &dyn View, username: &Username) -> Result<u64> {
    match view.get(&version_key(username))? {
        Some(version) => Parts::of(&version).number(),
        None => Ok(0),
    }
}

/// Mutes or unmutes a conversation for a member.
pub(super) fn set_muted(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    username: &Username,
    muted: bool,
) -> Result<()> {
    let stored = stored(context.view(), id, username)?.ok_or(Error::ConversationNotFound)?;
    put(context, id, username, Stored { muted, ..stored });
    Ok(())
}

/// Moves a member's marks on, and gives the membership if one of them moved.
pub(super) fn mark(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    username: &Username,
    read: Option<u64>,
    delivered: Option<u64>,
) -> Result<Option<Membership>> {
    let Some(before) = stored(context.view(), id, username)? else { return Ok(None) };
    let end = End::read(context.view(), id)?.position.seq;
    let moved = |mark: u64, to: Option<u64>| to.map_or(mark, |to| mark.max(to.min(end)));
    let read = moved(before.read, read);
    let after = Stored { read, delivered: moved(before.delivered, delivered), ..before };
    if after == before {
        return Ok(None);
    }
    put(context, id, username, after);
    membership(context.view(), id, after).map(Some)
}

/// Gives the record of a read mark.
pub(crate) fn read_mark(id: ConversationId, username: &Username, seq: u64) -> (Vec<u8>, Vec<u8>) {
    (key(id, username, READ), seq.to_be_bytes().to_vec())
}

fn stored(view: &dyn View, id: ConversationId, username: &Username) -> Result<Option<Stored>> {
    let Some(state) = view.get(&key(id, username, STATE))? else { return Ok(None) };
    let mut stored = Stored::default();
    read_field(&mut stored, STATE, &state)?;
    if let Some(read) = view.get(&key(id, username, READ))? {
        read_field(&mut stored, READ, &read)?;
    }
    Ok(Some(stored))
}

fn put(context: &mut WriteContext<'_>, id: ConversationId, username: &Username, stored: Stored) {
    let state = Packer::new(u8::from(stored.muted)).number(stored.delivered).bytes();
    context.put(key(id, username, STATE), state);
    let (read_key, read) = read_mark(id, username, stored.read);
    context.put(read_key, read);
}

fn read_field(stored: &mut Stored, field: u8, value: &[u8]) -> Result<()> {
    let mut parts = Parts::of(value);
    match field {
        STATE => (stored.muted, stored.delivered) = (parts.byte()? == 1, parts.number()?),
        READ => stored.read = parts.number()?,
        _ => return Err(unreadable()),
    }
    Ok(())
}

fn fields(view: &dyn View, username: &Username) -> Result<Vec<(ConversationId, u8, Vec<u8>)>> {
    view.read_all(&Table::Membership.key().name(username).range(), |key, value| {
        let mut parts = Parts::of(key);
        parts.byte()?;
        parts.name()?;
        Ok((parts.conversation()?, parts.byte()?, value.to_vec()))
    })
}

/// Completes a membership by when something last happened: the log says it, so that a message writes nothing for each member.
fn membership(view: &dyn View, id: ConversationId, stored: Stored) -> Result<Membership> {
    let end = End::read(view, id)?;
    let active_at =
        if end.position.seq == 0 { meta(view, id)?.ok_or_else(unreadable)?.created_at } else { end.at };
    let Stored { muted, delivered, read } = stored;
    Ok(Membership { conversation: id, muted, read, delivered, active_at })
}

fn increase_version(context: &mut WriteContext<'_>, username: &Username) -> Result<()> {
    let version = version(context.view(), username)? + 1;
    context.put(version_key(username), version.to_be_bytes().to_vec());
    Ok(())
}

fn key(id: ConversationId, username: &Username, field: u8) -> Vec<u8> {
    Table::Membership.key().name(username).id(&id.0).byte(field).bytes()
}

fn version_key(username: &Username) -> Vec<u8> {
    Table::MembershipVersion.key().rest(username.as_str()).bytes()
}
