//! The conversations' logs.

mod append;
mod change;
mod end;
mod reaction;
mod read;
mod record;
mod request;

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use ports::{Append, Appended, Log, Reaction, Result};
use protocol::{ConversationId, Event, Position};

pub(crate) use self::end::End;
use crate::EmbeddedStore;
use crate::engine::View;

#[async_trait]
impl Log for EmbeddedStore {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended>> {
        self.write(move |context| append::append(context, &append))
    }

    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.read_about(limit, move |view| read::after(view, conversation, after, limit)).await
    }

    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        self.read_about(limit, move |view| read::before(view, conversation, before, limit)).await
    }

    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>> {
        self.read(|view| {
            let stored = record::stored(view, conversation, seq)?;
            stored.map(|value| record::event(conversation, seq, &value)).transpose()
        })
    }

    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>> {
        let (count, conversations) = (conversations.len(), conversations.to_vec());
        let read = move |view: &dyn View| {
            conversations.iter().map(|id| Ok(End::read(view, *id)?.position)).collect()
        };
        self.read_about(count, read).await
    }

    async fn reactions(&self, conversation: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>> {
        self.read_many(move |view| reaction::read(view, conversation, from, to)).await
    }

    async fn search(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)> {
        let query = query.to_owned();
        self.read_many(move |view| read::search(view, conversation, &query, before, limit, budget)).await
    }
}
