//! A conversation as one member sees it.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use ports::{Conversation, Membership, history};
use protocol::conversation::{ConversationState, ConversationView, Member};
use protocol::{ConversationId, EventBody, EventKind, Position, Username};

use crate::api::Api;
use crate::failure::Answer;

/// How far unread messages are counted.
const MAX_UNREAD: u64 = 1000;

/// How many events are read for it: reactions and edits lie between the messages.
const UNREAD_BUDGET: usize = 4000;

/// How many events are read at once for it.
const UNREAD_CHUNK: usize = 500;

/// How many conversations of a list are looked at at the same time.
const AT_ONCE: usize = 16;

impl Api {
    /// Gives a conversation as `user` sees it.
    pub(crate) async fn conversation_view(
        &self,
        user: &Username,
        conversation: Conversation,
        membership: Membership,
    ) -> Answer<ConversationView> {
        let end = self.log.ends(&[conversation.id]).await?.first().copied().unwrap_or_default();
        let state = self.state(user, &membership, end).await?;
        Ok(view(conversation, state))
    }

    /// Gives the conversations of these memberships as `user` sees them, in the same order.
    pub(crate) async fn conversation_views(
        &self,
        user: &Username,
        memberships: Vec<Membership>,
    ) -> Answer<Vec<ConversationView>> {
        let ids: Vec<ConversationId> = memberships.iter().map(|membership| membership.conversation).collect();
        let ends = self.log.ends(&ids).await?;
        let views: Vec<Option<ConversationView>> = stream::iter(memberships.into_iter().zip(ends))
            .map(|(membership, end)| self.listed(user, membership, end))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(views.into_iter().flatten().collect())
    }

    /// Gives a conversation for a list; nothing if the user has left it since the list was made.
    async fn listed(
        &self,
        user: &Username,
        membership: Membership,
        end: Position,
    ) -> Answer<Option<ConversationView>> {
        let conversation = self.store.conversation(membership.conversation).await?;
        let is_member =
            |conversation: &Conversation| conversation.members.iter().any(|member| member.username == *user);
        let Some(conversation) = conversation.filter(is_member) else {
            return Ok(None);
        };
        let state = self.state(user, &membership, end).await?;
        Ok(Some(view(conversation, state)))
    }

    async fn state(
        &self,
        user: &Username,
        membership: &Membership,
        end: Position,
    ) -> Answer<ConversationState> {
        let id = membership.conversation;
        let last_message = match end.seq {
            0 => None,
            _ => history::page(self.log.as_ref(), id, None, None, 1).await?.0.pop(),
        };
        Ok(ConversationState {
            seq: end.seq,
            r#gen: end.r#gen,
            last_message,
            unread: self.unread(user, membership, end).await?,
            read: membership.read,
            delivered: membership.delivered,
            muted: membership.muted,
            active_at: membership.active_at,
        })
    }

    async fn unread(&self, user: &Username, membership: &Membership, end: Position) -> Answer<u64> {
        let (mut unread, mut after, mut budget) = (0, membership.read, UNREAD_BUDGET);
        while after < end.seq && unread < MAX_UNREAD && budget > 0 {
            let chunk = UNREAD_CHUNK.min(budget);
            let events = self.log.events(membership.conversation, after, chunk).await?;
            let Some(last) = events.last() else { break };
            (after, budget) = (last.position.seq, budget - events.len().min(budget));
            for event in &events {
                let body = EventBody::decode(&event.body)
                    .map_err(|_| ports::Error::Corrupt(format!("event {event:?}")))?;
                if body.kind == EventKind::Message && !body.deleted && body.from != *user {
                    unread += 1;
                }
            }
        }
        Ok(unread.min(MAX_UNREAD))
    }
}

fn view(conversation: Conversation, state: ConversationState) -> ConversationView {
    let members = conversation.members.into_iter();
    ConversationView {
        id: conversation.id,
        kind: conversation.kind,
        title: conversation.title,
        members: members.map(|member| Member { username: member.username, role: member.role }).collect(),
        created_at: conversation.created_at,
        version: conversation.version,
        left: false,
        state: Some(state),
    }
}
