//! Conversations and who is in them.

mod direct;
mod group;
mod membership;

use async_trait::async_trait;
use ports::{Conversation, ConversationMember, Conversations, Membership, NewGroup, Removed, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp, Username};
use serde::{Deserialize, Serialize};

pub(crate) use self::direct::close_or_open;
pub(crate) use self::group::leave_all;
pub(crate) use self::membership::read_mark;
use crate::EmbeddedStore;
use crate::engine::View;
use crate::keys::Table;
use crate::packing::{Parts, from_json, to_json, unreadable};
use crate::writer::WriteContext;

/// A conversation but its members, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Direct or a group.
    pub(crate) kind: ConversationKind,
    /// A group's title.
    pub(crate) title: Option<String>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// Counts changes from 1.
    pub(crate) version: u64,
    /// Whether nobody may write.
    pub(crate) blocked: bool,
    /// How many members there are.
    pub(crate) members: usize,
}

#[async_trait]
impl Conversations for EmbeddedStore {
    async fn direct_conversation(
        &self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<Conversation> {
        if let Some(conversation) = self.read(|view| direct::find(view, from, to))? {
            return Ok(conversation);
        }
        let id = ConversationId(self.options.entropy.bytes());
        let (from, to) = (from.clone(), to.clone());
        self.write(move |context| direct::find_or_make(context, &from, &to, id, at)).await
    }

    async fn create_group(&self, group: NewGroup) -> Result<Conversation> {
        let id = group.id;
        self.write(move |context| group::create(context, group)).await?;
        self.changed(id).await
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>> {
        let Some(meta) = self.read(|view| meta(view, id))? else { return Ok(None) };
        self.read_about(meta.members, move |view| conversation(view, id)).await
    }

    async fn rename_conversation(
        &self,
        id: ConversationId,
        by: &Username,
        title: String,
    ) -> Result<Conversation> {
        let by = by.clone();
        self.write(move |context| group::rename(context, id, &by, title)).await?;
        self.changed(id).await
    }

    async fn put_member(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
        role: Option<Role>,
    ) -> Result<Conversation> {
        let (by, member) = (by.clone(), member.clone());
        self.write(move |context| group::put_member(context, id, &by, &member, role)).await?;
        self.changed(id).await
    }

    async fn remove_member(&self, id: ConversationId, by: &Username, member: &Username) -> Result<Removed> {
        let (by, member) = (by.clone(), member.clone());
        let was_member = self.write(move |context| group::remove_member(context, id, &by, &member)).await?;
        Ok(Removed { conversation: self.changed(id).await?, was_member })
    }

    async fn memberships(&self, username: &Username) -> Result<Vec<Membership>> {
        let username = username.clone();
        self.read_many(move |view| membership::all(view, &username)).await
    }

    async fn membership(&self, id: ConversationId, username: &Username) -> Result<Option<Membership>> {
        self.read(|view| membership::one(view, id, username))
    }

    async fn membership_versions(&self, usernames: &[Username]) -> Result<Vec<u64>> {
        let (count, usernames) = (usernames.len(), usernames.to_vec());
        let read = move |view: &dyn View| {
            usernames.iter().map(|username| membership::version(view, username)).collect()
        };
        self.read_about(count, read).await
    }

    async fn set_muted(&self, id: ConversationId, username: &Username, muted: bool) -> Result<()> {
        let username = username.clone();
        self.write(move |context| membership::set_muted(context, id, &username, muted)).await
    }

    async fn mark(
        &self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<Option<Membership>> {
        let username = username.clone();
        self.write(move |context| membership::mark(context, id, &username, read, delivered)).await
    }
}

impl EmbeddedStore {
    /// Gives a conversation after it was changed: read here, so that the writer does not read long lists of members.
    async fn changed(&self, id: ConversationId) -> Result<Conversation> {
        self.conversation(id).await?.ok_or_else(unreadable)
    }
}

/// Gives a conversation but its members.
pub(crate) fn meta(view: &dyn View, id: ConversationId) -> Result<Option<Meta>> {
    view.get(&Table::Conversation.key().id(&id.0).bytes())?.map(|record| from_json(&record)).transpose()
}

/// Gives a member of a conversation.
pub(crate) fn member(
    view: &dyn View,
    id: ConversationId,
    username: &Username,
) -> Result<Option<ConversationMember>> {
    let record = view.get(&member_key(id, username))?;
    record.map(|record| read_member(username.clone(), &record)).transpose()
}

/// Gives a whole conversation.
fn conversation(view: &dyn View, id: ConversationId) -> Result<Option<Conversation>> {
    let Some(meta) = meta(view, id)? else { return Ok(None) };
    let Meta { kind, title, created_at, version, blocked, members: _ } = meta;
    let members = members(view, id)?;
    Ok(Some(Conversation { id, kind, title, created_at, version, members, blocked }))
}

fn members(view: &dyn View, id: ConversationId) -> Result<Vec<ConversationMember>> {
    view.read_all(&Table::Member.key().id(&id.0).range(), |key, record| {
        let mut parts = Parts::of(key);
        parts.byte()?;
        parts.id()?;
        read_member(parts.last_name()?, record)
    })
}

/// Writes a conversation but its members, and lets the writer forget what it knows of it.
fn put_meta(context: &mut WriteContext<'_>, id: ConversationId, meta: &Meta) -> Result<()> {
    context.memory.conversations.forget(id);
    context.put(Table::Conversation.key().id(&id.0).bytes(), to_json(meta)?);
    Ok(())
}

fn put_member(context: &mut WriteContext<'_>, id: ConversationId, member: &ConversationMember) {
    let role = match member.role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    };
    let value = [[role].as_slice(), &member.joined_at_seq.to_be_bytes()].concat();
    context.put(member_key(id, &member.username), value);
}

fn read_member(username: Username, record: &[u8]) -> Result<ConversationMember> {
    let mut parts = Parts::of(record);
    let role = match parts.byte()? {
        0 => Role::Member,
        1 => Role::Admin,
        2 => Role::Owner,
        _ => return Err(unreadable()),
    };
    Ok(ConversationMember { username, role, joined_at_seq: parts.number()? })
}

fn member_key(id: ConversationId, username: &Username) -> Vec<u8> {
    Table::Member.key().id(&id.0).rest(username.as_str()).bytes()
}
