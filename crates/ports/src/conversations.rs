//! Conversations and who is in them.

use async_trait::async_trait;
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The conversation.
    pub id: ConversationId,
    /// Whether it is direct or a group.
    pub kind: ConversationKind,
    /// A group's title.
    pub title: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes of title, members and blocks from 1.
    pub version: u64,
    /// The members in order of their names.
    pub members: Vec<ConversationMember>,
    /// In a direct conversation, whether one of the two blocks the other or is gone: nobody writes into it then.
    pub blocked: bool,
}

/// A member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationMember {
    /// The user.
    pub username: Username,
    /// What the user may do.
    pub role: Role,
    /// The number of the last event when the user joined: live events come after it.
    pub joined_at_seq: u64,
}

/// What a user has of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whether the user wants no notifications from it.
    pub muted: bool,
    /// The last event that the user has read; it never goes back.
    pub read: u64,
    /// The last event that reached one of the user's devices; it never goes back.
    pub delivered: u64,
    /// When something was last sent in it.
    pub active_at: Timestamp,
}

/// A group to be made.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// Its identifier, random.
    pub id: ConversationId,
    /// The title.
    pub title: Option<String>,
    /// Who makes it, and owns it.
    pub owner: Username,
    /// The others.
    pub members: Vec<Username>,
    /// When.
    pub at: Timestamp,
}

/// What is left of a conversation after somebody went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The conversation without the user.
    pub conversation: Conversation,
    /// Whether the user was a member before.
    pub was_member: bool,
}

/// The conversations.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// Gives the direct conversation of two users, or of a user with themself, and makes it if there is none.
    ///
    /// Fails with `UserNotFound`, and with `NotAllowed` if it would have to be made while one blocks the other.
    async fn direct_conversation(
        &self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<Conversation>;

    /// Makes a group. Fails with `UserNotFound`, with `NotAllowed` if a member blocks the owner, with `LimitReached` at too many members.
    async fn create_group(&self, group: NewGroup) -> Result<Conversation>;

    /// Gives a conversation, whoever asks: the caller checks that the asking user is a member.
    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>>;

    /// Renames a group; admins and the owner may. Fails with `ConversationNotFound` for one who is no member, or `NotAllowed`.
    async fn rename_conversation(
        &self,
        id: ConversationId,
        by: &Username,
        title: String,
    ) -> Result<Conversation>;

    /// Adds a member to a group, or gives one another role (`None`: keeps it, or `Member`). Admins add members; the owner alone makes and unmakes
    /// admins, and hands the ownership on by making another the owner. Fails as [`Conversations::rename_conversation`], also with `UserNotFound`,
    /// and with `NotAllowed` if a new member blocks the one who adds.
    async fn put_member(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
        role: Option<Role>,
    ) -> Result<Conversation>;

    /// Removes a member from a group: oneself, or another if one is of a higher role. If the owner goes, the first admin, or else the
    /// first member by name, owns it. Fails as [`Conversations::rename_conversation`].
    async fn remove_member(&self, id: ConversationId, by: &Username, member: &Username) -> Result<Removed>;

    /// Gives what a user has of all conversations, in no order.
    async fn memberships(&self, username: &Username) -> Result<Vec<Membership>>;

    /// Gives what a user has of one conversation, if the user is a member.
    async fn membership(&self, id: ConversationId, username: &Username) -> Result<Option<Membership>>;

    /// Gives for each user a number that grows whenever the user joins or leaves a conversation.
    async fn membership_versions(&self, usernames: &[Username]) -> Result<Vec<u64>>;

    /// Mutes or unmutes a conversation for a member. Fails with `ConversationNotFound`.
    async fn set_muted(&self, id: ConversationId, username: &Username, muted: bool) -> Result<()>;

    /// Moves a member's marks on, never back and never past the log's end, and gives the membership if one of them moved;
    /// nothing happens for one who is no member.
    async fn mark(
        &self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<Option<Membership>>;
}
