//! Who is to be told of a message.

use std::sync::Arc;

use ports::{Conversation, OutboxEntry, Result};
use protocol::{Event, EventBody, EventKind, Username};

use crate::role::Shared;

/// How far back a message is looked for that still is one.
const LOOK_BACK: usize = 20;

/// What a user is to be told.
pub(crate) struct News {
    /// Where it is.
    pub(crate) conversation: Arc<Conversation>,
    /// The message.
    pub(crate) event: Event,
    /// What it says.
    pub(crate) body: EventBody,
}

impl Shared {
    /// Gives the conversation of an entry as it was then, or later.
    pub(crate) async fn conversation(&self, entry: &OutboxEntry) -> Result<Option<Arc<Conversation>>> {
        let known = self.conversations.lock().get(&entry.conversation).cloned();
        if let Some(known) = known.filter(|known| known.version >= entry.version) {
            return Ok(Some(known));
        }
        let read = self.store.conversation(entry.conversation).await?.map(Arc::new);
        if let Some(read) = &read {
            self.conversations.lock().put(entry.conversation, read.clone());
        }
        Ok(read)
    }

    /// Gives the members whom a message concerns: all but its author, and but those who joined after it.
    pub(crate) async fn concerned(&self, entry: &OutboxEntry) -> Result<Vec<Username>> {
        let Some(conversation) = self.conversation(entry).await?.filter(|known| !known.blocked) else {
            return Ok(Vec::new());
        };
        let others = conversation
            .members
            .iter()
            .filter(|member| member.username != entry.from && member.joined_at_seq < entry.seq)
            .map(|member| member.username.clone());
        Ok(others.collect())
    }

    /// Gives what a member is to be told of an entry and those before it, if anything: not what was read meanwhile or taken back,
    /// and nothing of a conversation that the member has muted or left.
    pub(crate) async fn news(&self, entry: &OutboxEntry, user: &Username) -> Result<Option<News>> {
        let Some(conversation) = self.conversation(entry).await?.filter(|known| !known.blocked) else {
            return Ok(None);
        };
        let membership = self.store.membership(entry.conversation, user).await?;
        let Some(membership) = membership.filter(|own| !own.muted && own.read < entry.seq) else {
            return Ok(None);
        };
        let events = self.log.events_before(entry.conversation, Some(entry.seq + 1), LOOK_BACK).await?;
        let unread = events.into_iter().rev().take_while(|event| event.position.seq > membership.read);
        for event in unread {
            let Ok(body) = EventBody::decode(&event.body) else { continue };
            if body.kind == EventKind::Message && !body.deleted && body.from != *user {
                return Ok(Some(News { conversation, event, body }));
            }
        }
        Ok(None)
    }
}
