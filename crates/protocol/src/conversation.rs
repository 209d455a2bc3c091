//! Conversations as clients see them.

use serde::{Deserialize, Serialize};

use crate::chat::MessageView;
use crate::{ConversationId, MAX_GROUP_MEMBERS, MAX_TITLE_CHARS, Timestamp, Username};

/// Whether a conversation is between two or among many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// Between two users; there is one for each pair.
    Direct,
    /// Among any number.
    Group,
}

/// What a member of a group may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes and reads.
    Member,
    /// Also renames, adds and removes members, and takes messages of others back.
    Admin,
    /// Also makes and unmakes admins; a group has one while it has members.
    Owner,
}

/// A member of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub username: Username,
    /// What the user may do.
    pub role: Role,
}

/// A conversation with what concerns the asking user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversationView {
    /// The conversation.
    pub id: ConversationId,
    /// Whether it is direct or a group.
    pub kind: ConversationKind,
    /// A group's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The members, by name; empty for one who has left.
    pub members: Vec<Member>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with each change of title or members: the larger one is the newer.
    pub version: u64,
    /// Whether the asking user has left or was removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// What only lists and single answers carry.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationState>,
}

/// Where a user stands in a conversation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversationState {
    /// The number of the last event.
    pub seq: u64,
    /// The generation of the last event.
    pub r#gen: u64,
    /// The last message.
    pub last_message: Option<MessageView>,
    /// How many messages of others lie after `read`, counted up to 1,000.
    pub unread: u64,
    /// The last event that the user has read.
    pub read: u64,
    /// The last event that reached one of the user's devices.
    pub delivered: u64,
    /// Whether the user wants no notifications from it.
    pub muted: bool,
    /// When something last happened in it.
    pub active_at: Timestamp,
}

/// Asks for a new group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateConversation {
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The members beside the asking user.
    #[serde(default)]
    pub members: Vec<Username>,
}

/// Changes a conversation: the title for all, `muted` for the asking user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UpdateConversation {
    /// The new title.
    #[serde(default)]
    pub title: Option<String>,
    /// Whether to notify the asking user.
    #[serde(default)]
    pub muted: Option<bool>,
}

/// Adds a member, or gives one another role.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PutMember {
    /// The role; a member's role stays, a new one is `member`, without it.
    #[serde(default)]
    pub role: Option<Role>,
}

/// Says what is wrong with a title, if anything.
pub fn check_title(title: &str) -> Result<(), &'static str> {
    let chars = title.chars().count();
    if chars == 0 || chars > MAX_TITLE_CHARS {
        return Err("must have 1 to 128 characters");
    }
    if title.chars().any(char::is_control) {
        return Err("must not have control characters");
    }
    Ok(())
}

/// Says what is wrong with the number of members, if anything.
pub fn check_members(count: usize) -> Result<(), &'static str> {
    if count > MAX_GROUP_MEMBERS { Err("are too many") } else { Ok(()) }
}
