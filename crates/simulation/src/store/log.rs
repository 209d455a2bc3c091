//! The conversations' logs.

mod append;
mod effect;

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use ports::{Append, Appended, Error, Log, Reaction, Result};
use protocol::{ConversationId, Event, EventBody, EventKind, Position};

use super::StoreHandle;
use super::data::StoredConversation;
use super::handle::Lane;
use super::state::State;

#[async_trait]
impl Log for StoreHandle {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended>> {
        let lane = Lane::Conversation(append.conversation);
        let (forgets, asked) = (self.forgets(&append), append.clone());
        let appended = self.call_in_order(lane, move |state| state.append(&append, forgets));
        self.pretend(&asked, appended)
    }

    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
        let mut events: Vec<Event> = self
            .read_log(conversation, move |stored| {
                let events = stored.events_after(after).iter().take(limit);
                Ok(events.map(|event| event.event(conversation)).collect())
            })
            .await?;
        self.spoil_page(&mut events);
        Ok(events)
    }

    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        self.read_log(conversation, move |stored| {
            let events = stored.events_before(before);
            let events = events.get(events.len().saturating_sub(limit)..).unwrap_or_default();
            Ok(events.iter().map(|event| event.event(conversation)).collect())
        })
        .await
    }

    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>> {
        self.read_log(conversation, move |stored| {
            Ok(stored.event(seq).map(|event| event.event(conversation)))
        })
        .await
    }

    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>> {
        let conversations = conversations.to_vec();
        self.call(move |state| {
            let end = |id| state.data.conversations.get(id).map(StoredConversation::end);
            Ok(conversations.iter().map(|id| end(id).unwrap_or_default()).collect())
        })
        .await
    }

    async fn reactions(&self, conversation: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>> {
        self.read_log(conversation, move |stored| {
            let wanted = stored.reactions.iter().filter(|((target, ..), _)| (from..=to).contains(target));
            let mut wanted: Vec<_> = wanted.collect();
            wanted.sort_by_key(|((target, ..), put_on_by)| (*target, **put_on_by));
            let reaction = |(target, username, emoji): &(u64, _, String)| Reaction {
                target: *target,
                emoji: emoji.clone(),
                username: protocol::Username::clone(username),
            };
            Ok(wanted.into_iter().map(|(key, _)| reaction(key)).collect())
        })
        .await
    }

    async fn search(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)> {
        let query = query.to_lowercase();
        self.read_log(conversation, move |stored| {
            let (mut found, mut last) = (Vec::new(), 0);
            for (read, event) in (1..).zip(stored.events_before(before).iter().rev()) {
                last = event.position.seq;
                if event.kind == EventKind::Message
                    && decode(&event.body)?.text.is_some_and(|text| text.to_lowercase().contains(&query))
                {
                    found.push(event.event(conversation));
                }
                if found.len() >= limit || read >= budget {
                    break;
                }
            }
            // The first event has the number 1: nothing is left after it.
            Ok((found, if last == 1 { 0 } else { last }))
        })
        .await
    }
}

impl StoreHandle {
    /// Reads a log: nothing of one that is unknown.
    fn read_log<T: Default + Send + 'static>(
        &self,
        id: ConversationId,
        read: impl FnOnce(&StoredConversation) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        self.call(move |state: &mut State| state.data.conversations.get(&id).map_or(Ok(T::default()), read))
    }
}

fn decode(body: &[u8]) -> Result<EventBody> {
    EventBody::decode(body).map_err(|error| Error::Corrupt(error.to_string()))
}
