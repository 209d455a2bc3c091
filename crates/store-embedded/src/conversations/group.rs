//! Groups: who may do what.

use std::collections::BTreeSet;

use ports::{ConversationMember, Error, NewGroup, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, MAX_GROUP_MEMBERS, Username};

use super::{Meta, close_or_open, member, members, membership, meta, put_meta};
use crate::log::End;
use crate::packing::unreadable;
use crate::writer::WriteContext;
use crate::{accounts, contacts};

/// Makes a group.
pub(super) fn create(context: &mut WriteContext<'_>, group: NewGroup) -> Result<()> {
    let NewGroup { id, title, owner, members, at } = group;
    let mut others: BTreeSet<Username> = members.into_iter().collect();
    others.remove(&owner);
    if others.len() >= MAX_GROUP_MEMBERS {
        return Err(Error::LimitReached("members"));
    }
    accounts::check_exists(context.view(), &owner)?;
    for username in &others {
        accounts::check_exists(context.view(), username)?;
        if contacts::blocks(context.view(), username, &owner)? {
            return Err(Error::NotAllowed);
        }
    }
    if meta(context.view(), id)?.is_some() {
        return Err(Error::Conflict);
    }
    let kind = ConversationKind::Group;
    let mut meta = Meta { kind, title, created_at: at, version: 1, blocked: false, members: 0 };
    let owner = ConversationMember { username: owner, role: Role::Owner, joined_at_seq: 0 };
    membership::join(context, id, &mut meta, &owner)?;
    for username in others {
        let member = ConversationMember { username, role: Role::Member, joined_at_seq: 0 };
        membership::join(context, id, &mut meta, &member)?;
    }
    put_meta(context, id, &meta)
}

/// Renames a group.
pub(super) fn rename(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    by: &Username,
    title: String,
) -> Result<()> {
    let (meta, role) = group_of(context, id, by)?;
    if role < Role::Admin {
        return Err(Error::NotAllowed);
    }
    let title = Some(title);
    if meta.title == title {
        return Ok(());
    }
    put_meta(context, id, &Meta { title, version: meta.version + 1, ..meta })
}

/// Adds a member to a group, or gives one another role.
pub(super) fn put_member(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    by: &Username,
    username: &Username,
    role: Option<Role>,
) -> Result<()> {
    let (mut meta, own_role) = group_of(context, id, by)?;
    if own_role < Role::Admin {
        return Err(Error::NotAllowed);
    }
    let present = member(context.view(), id, username)?;
    let old_role = present.as_ref().map_or(Role::Member, |member| member.role);
    let role = role.unwrap_or(old_role);
    if role != old_role && own_role != Role::Owner {
        return Err(Error::NotAllowed);
    }
    // An owner who stepped down would leave none.
    if old_role == Role::Owner && role != Role::Owner {
        return Err(Error::NotAllowed);
    }
    if let Some(present) = present {
        if role == old_role {
            return Ok(());
        }
        super::put_member(context, id, &ConversationMember { role, ..present });
    } else {
        accounts::check_exists(context.view(), username)?;
        if contacts::blocks(context.view(), username, by)? {
            return Err(Error::NotAllowed);
        }
        if meta.members >= MAX_GROUP_MEMBERS {
            return Err(Error::LimitReached("members"));
        }
        let joined_at_seq = End::read(context.view(), id)?.position.seq;
        let member = ConversationMember { username: username.clone(), role, joined_at_seq };
        membership::join(context, id, &mut meta, &member)?;
    }
    if role == Role::Owner {
        let former = member(context.view(), id, by)?.ok_or_else(unreadable)?;
        super::put_member(context, id, &ConversationMember { role: Role::Admin, ..former });
    }
    meta.version += 1;
    put_meta(context, id, &meta)
}

/// Removes a member from a group, and says whether the user was one.
pub(super) fn remove_member(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    by: &Username,
    username: &Username,
) -> Result<bool> {
    let (meta, own_role) = group_of(context, id, by)?;
    let Some(present) = member(context.view(), id, username)? else {
        return if own_role >= Role::Admin { Ok(false) } else { Err(Error::NotAllowed) };
    };
    if by != username && own_role <= present.role {
        return Err(Error::NotAllowed);
    }
    leave(context, id, meta, &present)?;
    Ok(true)
}

/// Makes a user leave all groups, gives them, and closes the user's direct conversations: nobody would read what is written there.
pub(crate) fn leave_all(context: &mut WriteContext<'_>, username: &Username) -> Result<Vec<ConversationId>> {
    let mut left = Vec::new();
    for id in membership::ids(context.view(), username)? {
        let meta = meta(context.view(), id)?.ok_or_else(unreadable)?;
        if meta.kind == ConversationKind::Group {
            let present = member(context.view(), id, username)?.ok_or_else(unreadable)?;
            leave(context, id, meta, &present)?;
            left.push(id);
        } else {
            for other in members(context.view(), id)? {
                close_or_open(context, username, &other.username)?;
            }
        }
    }
    Ok(left)
}

fn leave(
    context: &mut WriteContext<'_>,
    id: ConversationId,
    mut meta: Meta,
    leaving: &ConversationMember,
) -> Result<()> {
    membership::leave(context, id, &mut meta, &leaving.username)?;
    if leaving.role == Role::Owner {
        let left = members(context.view(), id)?;
        let heir = left.iter().find(|member| member.role == Role::Admin).or(left.first());
        if let Some(heir) = heir {
            super::put_member(context, id, &ConversationMember { role: Role::Owner, ..heir.clone() });
        }
    }
    meta.version += 1;
    put_meta(context, id, &meta)
}

/// Gives a group and the role of a member in it. Fails with `ConversationNotFound`, or `NotAllowed` for a direct conversation.
fn group_of(context: &WriteContext<'_>, id: ConversationId, by: &Username) -> Result<(Meta, Role)> {
    let meta = meta(context.view(), id)?.ok_or(Error::ConversationNotFound)?;
    let member = member(context.view(), id, by)?.ok_or(Error::ConversationNotFound)?;
    if meta.kind == ConversationKind::Direct {
        return Err(Error::NotAllowed);
    }
    Ok((meta, member.role))
}
