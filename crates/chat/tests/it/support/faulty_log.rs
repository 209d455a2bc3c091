//! A log with trouble.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use ports::{Append, Appended, Log, Reaction, Result};
use protocol::{ConversationId, Event, Position};

use super::trouble::Trouble;

/// A log whose calls meet trouble.
pub(crate) struct FaultyLog {
    pub(crate) inner: Arc<dyn Log>,
    pub(crate) trouble: Arc<Trouble>,
}

#[async_trait]
impl Log for FaultyLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended>> {
        let trouble = self.trouble.clone();
        if let Err(refused) = trouble.refuse() {
            return Box::pin(async move { Err(refused) });
        }
        // Queued in this call, as the port has it.
        let done = self.inner.append(append);
        Box::pin(async move { trouble.finish("append", done).await })
    }

    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.trouble.check_readable(conversation)?;
        self.trouble.meet("events", self.inner.events(conversation, after, limit)).await
    }

    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        self.trouble.meet("events_before", self.inner.events_before(conversation, before, limit)).await
    }

    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>> {
        self.trouble.meet("event", self.inner.event(conversation, seq)).await
    }

    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>> {
        self.trouble.meet("ends", self.inner.ends(conversations)).await
    }

    async fn reactions(&self, conversation: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>> {
        self.trouble.meet("reactions", self.inner.reactions(conversation, from, to)).await
    }

    async fn search(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)> {
        self.trouble.meet("search", self.inner.search(conversation, query, before, limit, budget)).await
    }
}
