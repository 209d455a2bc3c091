//! Groups: who may do what.

use std::collections::{BTreeMap, BTreeSet};

use ports::{Error, NewGroup, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, MAX_GROUP_MEMBERS, Username};

use super::super::data::{StoredConversation, StoredMember};
use super::super::state::State;

impl State {
    /// Makes a group.
    pub(super) fn create_group(&mut self, group: NewGroup) -> Result<()> {
        let NewGroup { id, title, owner, members, at } = group;
        let mut others: BTreeSet<Username> = members.into_iter().collect();
        others.remove(&owner);
        if others.len() >= MAX_GROUP_MEMBERS {
            return Err(Error::LimitReached("members"));
        }
        self.check_account(&owner)?;
        for username in &others {
            self.check_account(username)?;
            if self.blocks(username, &owner) {
                return Err(Error::NotAllowed);
            }
        }
        if self.data.conversations.has(&id) {
            return Err(Error::Conflict);
        }
        let others = others.into_iter().map(|username| (username, StoredMember::joining(Role::Member, 0)));
        let mut members: BTreeMap<_, _> = others.collect();
        members.insert(owner, StoredMember::joining(Role::Owner, 0));
        let stored = StoredConversation {
            kind: ConversationKind::Group,
            title,
            created_at: at,
            version: 0,
            blocked: false,
            members,
            log: Vec::new(),
            reactions: BTreeMap::new(),
        };
        self.make(id, stored);
        Ok(())
    }

    /// Renames a group.
    pub(super) fn rename(&mut self, id: ConversationId, by: &Username, title: String) -> Result<()> {
        let (stored, role) = self.group_of(id, by)?;
        if role < Role::Admin {
            return Err(Error::NotAllowed);
        }
        if stored.title.as_ref() != Some(&title) {
            self.alter(id, |stored| stored.title = Some(title));
        }
        Ok(())
    }

    /// Adds a member to a group, or gives one another role.
    pub(super) fn put_member(
        &mut self,
        id: ConversationId,
        by: &Username,
        username: &Username,
        role: Option<Role>,
    ) -> Result<()> {
        let (stored, own_role) = self.group_of(id, by)?;
        if own_role < Role::Admin {
            return Err(Error::NotAllowed);
        }
        let present = stored.members.get(username).copied();
        let old_role = present.map_or(Role::Member, |member| member.role);
        let role = role.unwrap_or(old_role);
        if role != old_role && own_role != Role::Owner {
            return Err(Error::NotAllowed);
        }
        // An owner who stepped down would leave none.
        if old_role == Role::Owner && role != Role::Owner {
            return Err(Error::NotAllowed);
        }
        let member = match present {
            Some(_) if role == old_role => return Ok(()),
            Some(present) => StoredMember { role, ..present },
            None => {
                self.check_account(username)?;
                if self.blocks(username, by) {
                    return Err(Error::NotAllowed);
                }
                if stored.members.len() >= MAX_GROUP_MEMBERS {
                    return Err(Error::LimitReached("members"));
                }
                StoredMember::joining(role, stored.end().seq)
            }
        };
        if present.is_none() {
            self.count_membership(username);
        }
        self.alter(id, |stored| {
            if role == Role::Owner
                && let Some(former) = stored.members.get_mut(by)
            {
                former.role = Role::Admin;
            }
            stored.members.insert(username.clone(), member);
        });
        Ok(())
    }

    /// Removes a member from a group, and says whether the user was one.
    pub(super) fn remove_member(
        &mut self,
        id: ConversationId,
        by: &Username,
        username: &Username,
    ) -> Result<bool> {
        let (stored, own_role) = self.group_of(id, by)?;
        let Some(present) = stored.members.get(username) else {
            return if own_role >= Role::Admin { Ok(false) } else { Err(Error::NotAllowed) };
        };
        if by != username && own_role <= present.role {
            return Err(Error::NotAllowed);
        }
        self.leave(id, username);
        Ok(true)
    }

    /// Makes a user leave all groups, gives them, and closes the user's direct conversations.
    pub(in super::super) fn leave_all(&mut self, username: &Username) -> Vec<ConversationId> {
        let (mut groups, mut others) = (Vec::new(), Vec::new());
        for (id, stored) in self.data.conversations.iter() {
            if stored.members.contains_key(username) {
                match stored.kind {
                    ConversationKind::Group => groups.push(*id),
                    ConversationKind::Direct => others.extend(stored.members.keys().cloned()),
                }
            }
        }
        for id in &groups {
            self.leave(*id, username);
        }
        for other in &others {
            self.close_or_open(username, other);
        }
        groups
    }

    fn leave(&mut self, id: ConversationId, username: &Username) {
        self.count_membership(username);
        self.alter(id, |stored| {
            let leaving = stored.members.remove(username);
            if leaving.is_some_and(|member| member.role == Role::Owner) {
                let members = &mut stored.members;
                let admin = members.iter().find(|(_, member)| member.role == Role::Admin);
                let heir = admin.or(members.first_key_value()).map(|(username, _)| username.clone());
                if let Some(heir) = heir.and_then(|heir| members.get_mut(&heir)) {
                    heir.role = Role::Owner;
                }
            }
        });
    }

    /// Counts that a user joined or left.
    pub(in super::super) fn count_membership(&mut self, username: &Username) {
        *self.membership_versions.entry(username.clone()).or_default() += 1;
    }

    /// Gives a group and the role of a member in it. Fails with `ConversationNotFound`, or `NotAllowed` for a direct conversation.
    fn group_of(&self, id: ConversationId, by: &Username) -> Result<(&StoredConversation, Role)> {
        let stored = self.stored(id)?;
        let role = stored.members.get(by).ok_or(Error::ConversationNotFound)?.role;
        match stored.kind {
            ConversationKind::Direct => Err(Error::NotAllowed),
            ConversationKind::Group => Ok((stored, role)),
        }
    }
}
