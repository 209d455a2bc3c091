//! A log that can lose its tail, as a store that fails over to a copy which was behind.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use parking_lot::Mutex;
use ports::{Append, Appended, Conversations, Error, Log, Reaction, Result};
use protocol::{ClientId, ConversationId, Event, Position, Timestamp, Username};
use store_embedded::EmbeddedStore;

/// Logs in memory; what is written goes into the store as well, which knows the members and where they joined.
pub(crate) struct ForgetfulLog {
    store: Arc<EmbeddedStore>,
    logs: Mutex<HashMap<ConversationId, Kept>>,
}

struct Kept {
    generation: u64,
    events: Vec<Event>,
    requests: HashMap<(Username, ClientId), (Position, Timestamp)>,
}

impl ForgetfulLog {
    pub(crate) fn new(store: Arc<EmbeddedStore>) -> Self {
        Self { store, logs: Mutex::default() }
    }

    /// Loses so many events from the end: the next one is of a greater generation.
    pub(crate) fn lose(&self, conversation: ConversationId, count: usize) {
        let mut logs = self.logs.lock();
        let kept = logs.get_mut(&conversation).unwrap();
        kept.events.truncate(kept.events.len() - count);
        kept.generation += 1;
        let end = kept.events.len() as u64;
        kept.requests.retain(|_, (position, _)| position.seq <= end);
    }

    fn read<T>(&self, conversation: ConversationId, read: impl FnOnce(&[Event]) -> T) -> T {
        read(self.logs.lock().get(&conversation).map_or(&[], |kept| &kept.events))
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { generation: 1, events: Vec::new(), requests: HashMap::new() }
    }
}

impl Kept {
    fn append(&mut self, append: &Append) -> Appended {
        let key = (append.from.clone(), append.id.clone());
        if let Some((position, sent_at)) = self.requests.get(&key) {
            return Appended { position: *position, sent_at: *sent_at, duplicate: true, version: 0 };
        }
        let position = Position { r#gen: self.generation, seq: self.events.len() as u64 + 1 };
        let (conversation, body) = (append.conversation, append.body.clone());
        self.events.push(Event { conversation, position, body });
        self.requests.insert(key, (position, append.at));
        Appended { position, sent_at: append.at, duplicate: false, version: 0 }
    }
}

#[async_trait]
impl Log for ForgetfulLog {
    fn append(&self, append: Append) -> BoxFuture<'static, Result<Appended>> {
        let appended = self.logs.lock().entry(append.conversation).or_default().append(&append);
        let (store, conversation) = (self.store.clone(), append.conversation);
        Box::pin(async move {
            store.append(append).await?;
            let record = store.conversation(conversation).await?.ok_or(Error::ConversationNotFound)?;
            Ok(Appended { version: record.version, ..appended })
        })
    }

    async fn events(&self, conversation: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
        let after = usize::try_from(after).unwrap();
        Ok(self.read(conversation, |events| events.iter().skip(after).take(limit).cloned().collect()))
    }

    async fn events_before(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let before = before.map_or(usize::MAX, |before| usize::try_from(before - 1).unwrap());
        Ok(self.read(conversation, |events| {
            let end = before.min(events.len());
            events[end.saturating_sub(limit)..end].to_vec()
        }))
    }

    async fn event(&self, conversation: ConversationId, seq: u64) -> Result<Option<Event>> {
        let index = usize::try_from(seq).unwrap().checked_sub(1);
        Ok(self.read(conversation, |events| events.get(index?).cloned()))
    }

    async fn ends(&self, conversations: &[ConversationId]) -> Result<Vec<Position>> {
        let end = |events: &[Event]| events.last().map_or(Position::default(), |event| event.position);
        Ok(conversations.iter().map(|id| self.read(*id, end)).collect())
    }

    async fn reactions(&self, _: ConversationId, _: u64, _: u64) -> Result<Vec<Reaction>> {
        Ok(Vec::new())
    }

    async fn search(
        &self,
        _: ConversationId,
        _: &str,
        _: Option<u64>,
        _: usize,
        _: usize,
    ) -> Result<(Vec<Event>, u64)> {
        Ok((Vec::new(), 0))
    }
}
