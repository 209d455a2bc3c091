//! Conversations and who is in them.

mod direct;
mod group;
mod membership;
mod record;

use async_trait::async_trait;
use ports::{Conversation, Conversations, Membership, NewGroup, Removed, Result};
use protocol::conversation::Role;
use protocol::{ConversationId, Timestamp, Username};

use self::record::Stored;
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::entity;
use crate::value::unexpected;

static READ: Script = entity!("conversation");

#[async_trait]
impl Conversations for RedisStore {
    async fn direct_conversation(
        &self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<Conversation> {
        self.find_or_make_direct(from, to, at).await
    }

    async fn create_group(&self, group: NewGroup) -> Result<Conversation> {
        self.make_group(group).await
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>> {
        let stored: Option<Stored> = self.look(self.conversation_call(id)).await?;
        stored.map(|stored| record::conversation(id, stored)).transpose()
    }

    async fn rename_conversation(
        &self,
        id: ConversationId,
        by: &Username,
        title: String,
    ) -> Result<Conversation> {
        self.rename(id, by, title).await?;
        self.changed(id).await
    }

    async fn put_member(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
        role: Option<Role>,
    ) -> Result<Conversation> {
        self.add_or_change_member(id, by, member, role).await?;
        self.changed(id).await
    }

    async fn remove_member(&self, id: ConversationId, by: &Username, member: &Username) -> Result<Removed> {
        let was_member = self.take_out(id, by, member).await?;
        Ok(Removed { conversation: self.changed(id).await?, was_member })
    }

    async fn memberships(&self, username: &Username) -> Result<Vec<Membership>> {
        self.all_memberships(username).await
    }

    async fn membership(&self, id: ConversationId, username: &Username) -> Result<Option<Membership>> {
        Ok(self.memberships_in(&[id], username).await?.pop())
    }

    async fn membership_versions(&self, usernames: &[Username]) -> Result<Vec<u64>> {
        self.versions_of_memberships(usernames).await
    }

    async fn set_muted(&self, id: ConversationId, username: &Username, muted: bool) -> Result<()> {
        self.mute(id, username, muted).await
    }

    async fn mark(
        &self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<Option<Membership>> {
        self.move_marks(id, username, read, delivered).await
    }
}

impl RedisStore {
    /// Calls for a conversation.
    fn conversation_call(&self, id: ConversationId) -> Call {
        let keys = self.context.keys.conversation(id);
        Call::new(&READ, vec![keys.conversation(), keys.members()], Vec::new())
    }

    /// Gives a conversation after it was changed.
    async fn changed(&self, id: ConversationId) -> Result<Conversation> {
        let conversation = ports::Conversations::conversation(self, id).await?;
        conversation.ok_or_else(|| unexpected("no conversation"))
    }
}
