//! What the writer keeps in memory between batches.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use ports::{Error, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp, Username};

use crate::conversations::{member, meta};
use crate::engine::View;
use crate::log::End;
use crate::outbox::{Positions, last_positions};

/// How many conversations are kept.
const CONVERSATIONS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// How many members' roles are kept of a conversation.
const ROLES: usize = 1_024;

/// What the writer keeps in memory between batches.
pub(crate) struct WriterMemory {
    /// The generation of this run's events.
    pub(crate) generation: u64,
    /// The last position of each partition of the outbox.
    pub(crate) outbox: Positions,
    /// What it knows of conversations.
    pub(crate) conversations: KnownConversations,
}

/// The conversations that were appended to last.
pub(crate) struct KnownConversations(LruCache<ConversationId, KnownConversation>);

/// What an append needs to know of a conversation.
pub(crate) struct KnownConversation {
    /// Direct or a group.
    pub(crate) kind: ConversationKind,
    /// Counts changes.
    pub(crate) version: u64,
    /// Whether nobody may write.
    pub(crate) blocked: bool,
    /// Whether there is anybody but the sender.
    pub(crate) has_others: bool,
    /// Where the log ends.
    pub(crate) end: End,
    /// When the event of the oldest remembered request was appended, if that was looked up.
    pub(crate) oldest_request_at: Option<Timestamp>,
    roles: HashMap<Username, Role>,
}

impl WriterMemory {
    /// Begins with what a store holds.
    pub(crate) fn load(view: &dyn View, generation: u64) -> Result<Self> {
        let conversations = KnownConversations(LruCache::new(CONVERSATIONS));
        Ok(Self { generation, outbox: last_positions(view)?, conversations })
    }
}

impl KnownConversations {
    /// Gives a conversation. Fails with `ConversationNotFound`.
    pub(crate) fn get(&mut self, view: &dyn View, id: ConversationId) -> Result<&mut KnownConversation> {
        self.0.try_get_or_insert_mut(id, || {
            let meta = meta(view, id)?.ok_or(Error::ConversationNotFound)?;
            Ok(KnownConversation {
                kind: meta.kind,
                version: meta.version,
                blocked: meta.blocked,
                has_others: meta.members > 1,
                end: End::read(view, id)?,
                oldest_request_at: None,
                roles: HashMap::new(),
            })
        })
    }

    /// Forgets a conversation, because it was changed.
    pub(crate) fn forget(&mut self, id: ConversationId) {
        self.0.pop(&id);
    }
}

impl KnownConversation {
    /// Gives a member's role. Fails with `ConversationNotFound` for one who is no member.
    pub(crate) fn role(&mut self, view: &dyn View, id: ConversationId, username: &Username) -> Result<Role> {
        if let Some(role) = self.roles.get(username) {
            return Ok(*role);
        }
        let member = member(view, id, username)?.ok_or(Error::ConversationNotFound)?;
        if self.roles.len() >= ROLES {
            self.roles.clear();
        }
        self.roles.insert(username.clone(), member.role);
        Ok(member.role)
    }
}
