//! Direct conversations: one for each pair of users, and one for each user alone.

use std::collections::BTreeMap;

use ports::{Error, Result};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, Timestamp, Username};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::super::data::{StoredConversation, StoredMember};
use super::super::state::State;

impl State {
    /// Gives the direct conversation of two users, and makes it if there is none.
    pub(super) fn find_or_make_direct(
        &mut self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<ConversationId> {
        self.check_account(from)?;
        self.check_account(to)?;
        let id = self.direct_id(from, to);
        if self.data.conversations.has(&id) {
            return Ok(id);
        }
        if self.is_closed(from, to) {
            return Err(Error::NotAllowed);
        }
        let member = |username: &Username| (username.clone(), StoredMember::joining(Role::Member, 0));
        let stored = StoredConversation {
            kind: ConversationKind::Direct,
            title: None,
            created_at: at,
            version: 0,
            blocked: false,
            members: BTreeMap::from([member(from), member(to)]),
            log: Vec::new(),
            reactions: BTreeMap::new(),
        };
        self.make(id, stored);
        Ok(id)
    }

    /// Closes or opens the direct conversation of two users, as their blocks want it, and gives its identifier if there is one.
    pub(in super::super) fn close_or_open(
        &mut self,
        one: &Username,
        other: &Username,
    ) -> Option<ConversationId> {
        let id = self.direct_id(one, other);
        let stored = self.data.conversations.get(&id)?;
        let blocked = self.is_closed(one, other);
        if stored.blocked != blocked {
            self.alter(id, |stored| stored.blocked = blocked);
        }
        Some(id)
    }

    /// Gives the identifier of the direct conversation of two users. It follows from their names, so that one that was lost comes
    /// back under the same.
    fn direct_id(&self, one: &Username, other: &Username) -> ConversationId {
        let names = format!("{} {}", one.min(other), one.max(other));
        ConversationId(xxh3_128_with_seed(names.as_bytes(), self.identifiers).to_be_bytes())
    }
}
