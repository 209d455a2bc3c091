//! The deliberate defects of a process's way to the store: see [`Defect`].

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use ports::{Append, Appended, Conversation, Error, Login, Result};
use protocol::{ClientId, ConversationId, Event, LoginId, Position, Shard, Username};

use super::StoreHandle;
use crate::defect::Defect;

/// How often a defect shows that shows by chance.
const OFTEN: f64 = 0.3;

/// What a process remembers that it should not, or not alone.
#[derive(Default)]
pub(super) struct Sabotage {
    requests: BTreeSet<(ConversationId, Username, ClientId)>,
    conversations: BTreeMap<ConversationId, Conversation>,
    logins: BTreeMap<LoginId, Login>,
}

impl StoreHandle {
    /// Says whether the store has a defect.
    pub(super) fn has(&self, defect: Defect) -> bool {
        !self.is_direct && self.store.0.state.lock().has(defect)
    }

    /// Says whether a request is not recognised as one that was made before, elsewhere.
    pub(super) fn forgets(&self, append: &Append) -> bool {
        let request = (append.conversation, append.from.clone(), append.id.clone());
        self.has(Defect::DedupeForgotten) && self.sabotage.lock().requests.insert(request)
    }

    /// Says that an append is done, although nobody knows.
    pub(super) fn pretend(
        &self,
        append: &Append,
        appended: BoxFuture<'static, Result<Appended>>,
    ) -> BoxFuture<'static, Result<Appended>> {
        if !self.has(Defect::AckInDoubt) {
            return appended;
        }
        let (store, id, at) = (self.store.clone(), append.conversation, append.at);
        Box::pin(async move {
            match appended.await {
                Err(Error::Unavailable(reason)) => {
                    let end = store.0.state.lock().stored(id).map_err(|_| Error::Unavailable(reason))?.end();
                    let position = Position { seq: end.seq + 1, r#gen: end.r#gen.max(1) };
                    Ok(Appended { position, sent_at: at, duplicate: false, version: 0 })
                }
                outcome => outcome,
            }
        })
    }

    /// Spoils a page of a log.
    pub(super) fn spoil_page(&self, events: &mut Vec<Event>) {
        let skip = self.has(Defect::EventSkipped) && events.len() > 1 && self.dice.chance(OFTEN);
        if skip {
            events.remove(0);
        }
        if self.has(Defect::OrderBroken) && events.len() > 1 && self.dice.chance(OFTEN) {
            events.swap(0, 1);
        }
    }

    /// Gives a conversation as it was read first.
    pub(super) fn stale(&self, read: Option<Conversation>) -> Option<Conversation> {
        if !self.has(Defect::StaleMembers) {
            return read;
        }
        read.map(|read| self.sabotage.lock().conversations.entry(read.id).or_insert(read).clone())
    }

    /// Gives a login that may have ended.
    pub(super) fn remembered_login(&self, id: LoginId, read: Option<Login>) -> Option<Login> {
        if !self.has(Defect::LogoutIgnored) {
            return read;
        }
        let mut sabotage = self.sabotage.lock();
        match read {
            Some(login) => Some(sabotage.logins.entry(id).or_insert(login).clone()),
            None => sabotage.logins.get(&id).cloned(),
        }
    }

    /// Loses news for a shard.
    pub(super) fn spoil_news(&self, shard: &Shard, entries: &mut Vec<Bytes>) {
        if self.has(Defect::GroupFragmentMissed) && shard.as_str() == "chat-1" {
            entries.clear();
        }
        if self.has(Defect::HintLostWithoutSweep) {
            entries.retain(|_| !self.dice.chance(OFTEN));
        }
    }
}
