//! Conversations and members as they are stored.

use ports::{Conversation, ConversationMember, Membership, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp};

use crate::value::{unexpected, username};

/// What a script gives of a conversation: kind, title, when it was made, version, whether it is blocked; and its members.
pub(super) type Stored = ((String, Option<String>, u64, u64, bool), Vec<(String, String)>);

/// What a script gives of a membership: the member, and when something was last sent.
pub(super) type StoredMembership = (String, u64);

/// A member as it is stored.
struct Member {
    role: Role,
    joined_at_seq: u64,
    muted: bool,
    read: u64,
    delivered: u64,
}

/// Reads a conversation.
pub(super) fn conversation(id: ConversationId, stored: Stored) -> Result<Conversation> {
    let ((kind, title, created_at, version, blocked), stored_members) = stored;
    let kind = match kind.as_str() {
        "d" => ConversationKind::Direct,
        "g" => ConversationKind::Group,
        _ => return Err(unexpected("a conversation of another kind")),
    };
    let mut members = Vec::with_capacity(stored_members.len());
    for (name, stored) in stored_members {
        let Member { role, joined_at_seq, .. } = Member::parse(&stored)?;
        members.push(ConversationMember { username: username(&name)?, role, joined_at_seq });
    }
    members.sort_unstable_by(|one, other| one.username.cmp(&other.username));
    Ok(Conversation { id, kind, title, created_at: Timestamp(created_at), version, members, blocked })
}

/// Reads a membership.
pub(super) fn membership(id: ConversationId, (member, active_at): StoredMembership) -> Result<Membership> {
    let Member { muted, read, delivered, .. } = Member::parse(&member)?;
    Ok(Membership { conversation: id, muted, read, delivered, active_at: Timestamp(active_at) })
}

/// Gives what scripts call a role.
pub(super) fn letter(role: Role) -> &'static str {
    match role {
        Role::Owner => "o",
        Role::Admin => "a",
        Role::Member => "m",
    }
}

impl Member {
    /// Reads `role joined_at_seq muted read delivered`.
    fn parse(stored: &str) -> Result<Self> {
        Self::of(stored.split(' ')).ok_or_else(|| unexpected("a member that is none"))
    }

    fn of<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let role = match words.next()? {
            "o" => Role::Owner,
            "a" => Role::Admin,
            "m" => Role::Member,
            _ => return None,
        };
        let mut number = || words.next()?.parse().ok();
        let (joined_at_seq, muted) = (number()?, number()? == 1);
        Some(Self { role, joined_at_seq, muted, read: number()?, delivered: number()? })
    }
}
