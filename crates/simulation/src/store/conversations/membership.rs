//! What a user has of conversations: muted or not, and the marks.

use ports::{Error, Membership, Result};
use protocol::{ConversationId, Username};

use super::super::data::StoredMember;
use super::super::state::State;
use crate::defect::Defect;
use crate::history::Happened;

impl State {
    /// Mutes or unmutes a conversation for a member.
    pub(super) fn set_muted(&mut self, id: ConversationId, username: &Username, muted: bool) -> Result<()> {
        if !self.stored(id)?.members.contains_key(username) {
            return Err(Error::ConversationNotFound);
        }
        self.edit_member(id, username, |member| member.muted = muted);
        Ok(())
    }

    /// Moves a member's marks on, and gives the membership if one of them moved.
    pub(super) fn mark(
        &mut self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Option<Membership> {
        let stored = self.data.conversations.get(&id)?;
        let before = *stored.members.get(username)?;
        let end = stored.end().seq;
        let goes_back = self.has(Defect::MarkGoesBack);
        let moved = |mark: u64, to: Option<u64>| {
            to.map_or(mark, |to| if goes_back { to.min(end) } else { mark.max(to.min(end)) })
        };
        let (read, delivered) = (moved(before.read, read), moved(before.delivered, delivered));
        if (read, delivered) == (before.read, before.delivered) {
            return None;
        }
        self.edit_member(id, username, |member| (member.read, member.delivered) = (read, delivered));
        self.note(Happened::Marked { conversation: id, user: username.clone(), read, delivered });
        self.data.conversations.get(&id)?.membership(id, username)
    }

    fn edit_member(
        &mut self,
        id: ConversationId,
        username: &Username,
        change: impl FnOnce(&mut StoredMember),
    ) {
        let stored = self.change().conversations.edit(&id);
        if let Some(member) = stored.and_then(|stored| stored.members.get_mut(username)) {
            change(member);
        }
    }
}
