//! The conversations' logs.

mod append;
mod kept;
mod range;
mod reactions;
mod record;
mod search;
mod tail;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::future::{FutureExt, try_join_all};
use ports::{Append, Appended, Error, Log, Reaction, Result};
use protocol::{ConversationId, Event, Position};
use tokio::sync::oneshot;

use self::append::Request;
pub(crate) use self::kept::Kept;
use self::range::Range;
use crate::RedisStore;
use crate::link::{Call, closed};
use crate::value::Items;

#[async_trait]
impl Log for RedisStore {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended>> {
        let (sender, receiver) = oneshot::channel();
        let request = Arc::new(Request::new(append, &self.context.keys, self.kept.token()));
        let tail = self.kept.tail(&request);
        let (link, call) = (&self.context.link, request.call().above(tail.clone()));
        let kept = self.kept.clone();
        link.submit(call, move |answer| {
            let outcome = answer.and_then(append::outcome);
            if let Ok(done) = &outcome {
                kept.acknowledged(&tail, request, *done);
            }
            // Whoever asked may have gone.
            sender.send(outcome.map(|done| done.appended)).ok();
        });
        Box::pin(receiver.map(|outcome| outcome.unwrap_or_else(|_| Err(closed()))))
    }

    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
        self.range(conversation, Range::After(after), limit).await
    }

    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let mut events = self.range(conversation, Range::Before(before), limit).await?;
        events.reverse();
        Ok(events)
    }

    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        let events = self.range(conversation, Range::After(before), 1).await?;
        Ok(events.into_iter().next().filter(|event| event.position.seq == seq))
    }

    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>> {
        let fields = || ["seq", "gen"].map(|field| Bytes::from_static(field.as_bytes())).to_vec();
        let call = |id: &ConversationId| {
            Call::command("HMGET", self.context.keys.conversation(*id).conversation(), fields())
        };
        // Polled together, they are sent together.
        let answers = try_join_all(conversations.iter().map(|id| self.read_settled(call(id)))).await?;
        answers
            .into_iter()
            .map(|answer| {
                let mut fields = Items::of(answer)?;
                let mut number = || Ok::<_, Error>(fields.optional_number()?.unwrap_or(0));
                Ok(Position { seq: number()?, r#gen: number()? })
            })
            .collect()
    }

    async fn reactions(&self, conversation: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>> {
        self.reactions_between(conversation, from, to).await
    }

    async fn search(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)> {
        self.search_log(conversation, query, before, limit, budget).await
    }
}
