//! Conversations and who is in them.

mod direct;
mod group;
mod membership;

use async_trait::async_trait;
use ports::{Conversation, Conversations, Error, Membership, NewGroup, Removed, Result};
use protocol::conversation::Role;
use protocol::{ConversationId, Timestamp, Username};

use super::StoreHandle;
use super::data::StoredConversation;
use super::state::State;
use crate::history::Happened;

#[async_trait]
impl Conversations for StoreHandle {
    async fn direct_conversation(
        &self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<Conversation> {
        let (from, to) = (from.clone(), to.clone());
        self.call(move |state| {
            let id = state.find_or_make_direct(&from, &to, at)?;
            state.record(id)
        })
        .await
    }

    async fn create_group(&self, group: NewGroup) -> Result<Conversation> {
        self.call(move |state| {
            let id = group.id;
            state.create_group(group)?;
            state.record(id)
        })
        .await
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>> {
        let read = self.call(move |state| Ok(state.record(id).ok())).await?;
        Ok(self.stale(read))
    }

    async fn rename_conversation(
        &self,
        id: ConversationId,
        by: &Username,
        title: String,
    ) -> Result<Conversation> {
        let by = by.clone();
        self.call(move |state| {
            state.rename(id, &by, title)?;
            state.record(id)
        })
        .await
    }

    async fn put_member(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
        role: Option<Role>,
    ) -> Result<Conversation> {
        let (by, member) = (by.clone(), member.clone());
        self.call(move |state| {
            state.put_member(id, &by, &member, role)?;
            state.record(id)
        })
        .await
    }

    async fn remove_member(&self, id: ConversationId, by: &Username, member: &Username) -> Result<Removed> {
        let (by, member) = (by.clone(), member.clone());
        self.call(move |state| {
            let was_member = state.remove_member(id, &by, &member)?;
            Ok(Removed { conversation: state.record(id)?, was_member })
        })
        .await
    }

    async fn memberships(&self, username: &Username) -> Result<Vec<Membership>> {
        let username = username.clone();
        self.call(move |state| {
            let conversations = state.data.conversations.iter();
            Ok(conversations.filter_map(|(id, stored)| stored.membership(*id, &username)).collect())
        })
        .await
    }

    async fn membership(&self, id: ConversationId, username: &Username) -> Result<Option<Membership>> {
        let username = username.clone();
        self.call(move |state| {
            Ok(state.data.conversations.get(&id).and_then(|stored| stored.membership(id, &username)))
        })
        .await
    }

    async fn membership_versions(&self, usernames: &[Username]) -> Result<Vec<u64>> {
        let usernames = usernames.to_vec();
        self.call(move |state| {
            let version = |username| state.membership_versions.get(username).copied().unwrap_or(0);
            Ok(usernames.iter().map(version).collect())
        })
        .await
    }

    async fn set_muted(&self, id: ConversationId, username: &Username, muted: bool) -> Result<()> {
        let username = username.clone();
        self.call(move |state| state.set_muted(id, &username, muted)).await
    }

    async fn mark(
        &self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<Option<Membership>> {
        let username = username.clone();
        self.call(move |state| Ok(state.mark(id, &username, read, delivered))).await
    }
}

impl State {
    /// Gives a conversation. Fails with `ConversationNotFound`.
    pub(super) fn stored(&self, id: ConversationId) -> Result<&StoredConversation> {
        self.data.conversations.get(&id).ok_or(Error::ConversationNotFound)
    }

    /// Takes note of who is in a conversation, and whether it is blocked.
    pub(super) fn note_members(&self, id: ConversationId, stored: &StoredConversation) {
        let members = stored.members.iter();
        self.note(Happened::Members {
            conversation: id,
            version: stored.version,
            members: members.map(|(username, member)| (username.clone(), member.joined_at_seq)).collect(),
            blocked: stored.blocked,
        });
    }

    fn record(&self, id: ConversationId) -> Result<Conversation> {
        self.stored(id).map(|stored| stored.record(id))
    }

    /// Changes a conversation that there is, to a new version.
    pub(super) fn alter(&mut self, id: ConversationId, change: impl FnOnce(&mut StoredConversation)) {
        let Ok(before) = self.stored(id) else { return };
        let version = self.version_after(&id, before.version);
        let Some(stored) = self.change().conversations.edit(&id) else { return };
        change(stored);
        stored.version = version;
        if let Ok(stored) = self.stored(id) {
            self.note_members(id, stored);
        }
    }

    /// Puts a new conversation there, at its first version.
    fn make(&mut self, id: ConversationId, mut stored: StoredConversation) {
        stored.version = self.version_after(&id, 0);
        for username in stored.members.keys() {
            self.count_membership(username);
        }
        self.note_members(id, &stored);
        self.change().conversations.put(id, stored);
    }
}
