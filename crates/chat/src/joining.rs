//! Which conversations reach which user here: read when the user comes, kept true by hints and by the sweep.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ports::{Conversation, Error, Result};
use protocol::chat::ServerFrame;
use protocol::{ConversationId, Position, Username};

use crate::clients::LocalUser;
use crate::conversation::{LocalConversation, view};
use crate::shard::Shared;

/// How many events are read at once.
pub(crate) const PAGE: usize = 200;

impl Shared {
    /// Reads a user's conversations once; when it returns, every event that becomes durable from then on reaches the user's sockets.
    pub(crate) async fn make_ready(&self, user: &Arc<LocalUser>) -> Result<()> {
        user.ready.get_or_try_init(|| self.load(user)).await.copied()
    }

    async fn load(&self, user: &Arc<LocalUser>) -> Result<()> {
        self.note_membership_version(user).await?;
        for membership in self.store.memberships(&user.name).await? {
            let id = membership.conversation;
            if self.conversations.attach_known(id, user) {
                continue;
            }
            // The log's end is read after the user's connection was added: what comes later arrives as a hint.
            let Some((record, end)) = self.read(id).await? else { continue };
            self.conversations.attach(id, user, || (record, end));
        }
        Ok(())
    }

    /// Compares a user's conversations with the store's: joins those that are new, leaves those that are gone.
    pub(crate) async fn refresh(&self, user: &Arc<LocalUser>) -> Result<()> {
        self.note_membership_version(user).await?;
        let memberships = self.store.memberships(&user.name).await?;
        let stored: HashSet<ConversationId> =
            memberships.iter().map(|membership| membership.conversation).collect();
        let known: Vec<ConversationId> = user.conversations.lock().clone();
        for id in known.into_iter().filter(|id| !stored.contains(id)) {
            self.conversations.detach(id, user);
            if let Some(record) = self.store.conversation(id).await? {
                self.show_conversation(&record, std::slice::from_ref(user));
            }
        }
        for id in stored {
            if !user.is_in(id) {
                self.join(user, id).await?;
            }
        }
        Ok(())
    }

    /// Gives a conversation after one of the user's requests succeeded in it, with the members of `version` or later.
    pub(crate) async fn joined(
        &self,
        user: &Arc<LocalUser>,
        id: ConversationId,
        version: u64,
    ) -> Result<Arc<LocalConversation>> {
        if !user.is_in(id) {
            self.join(user, id).await?;
            if let Some(local) = self.conversations.get(id) {
                // It may be new to the others who are connected here as well.
                let record = local.state.lock().record.clone();
                self.join_members(&record).await?;
            }
        }
        let local = self.conversations.get(id).ok_or(Error::ConversationNotFound)?;
        if local.state.lock().record.version < version {
            self.changed(id, version, &[]).await?;
        }
        Ok(local)
    }

    /// Takes note that a conversation has changed: reads its members, and joins and leaves accordingly.
    pub(crate) async fn changed(&self, id: ConversationId, version: u64, removed: &[Username]) -> Result<()> {
        if let Some(local) = self.conversations.get(id)
            && local.state.lock().record.version >= version
        {
            return Ok(());
        }
        let Some(record) = self.store.conversation(id).await?.map(Arc::new) else { return Ok(()) };
        if let Some(local) = self.conversations.get(id) {
            let mut state = local.state.lock();
            if state.record.version < record.version {
                state.record = record.clone();
                self.show_conversation(&record, &state.locals);
            }
            let gone: Vec<Arc<LocalUser>> =
                state.locals.iter().filter(|user| !state.has_member(&user.name)).cloned().collect();
            drop(state);
            gone.iter().for_each(|user| self.conversations.detach(id, user));
        } else {
            let gone: Vec<Arc<LocalUser>> =
                removed.iter().filter_map(|name| self.clients.get(name)).collect();
            self.show_conversation(&record, &gone);
        }
        self.join_members(&record).await
    }

    /// Makes a conversation reach those of its members who are connected here.
    async fn join_members(&self, record: &Conversation) -> Result<()> {
        for member in &record.members {
            if let Some(user) = self.clients.get(&member.username)
                && user.ready.initialized()
                && !user.is_in(record.id)
            {
                self.join(&user, record.id).await?;
            }
        }
        Ok(())
    }

    /// Sends a conversation as it is now to users' sockets.
    pub(crate) fn show_conversation(&self, record: &Conversation, users: &[Arc<LocalUser>]) {
        for user in users {
            let frame = ServerFrame::Conversation(Box::new(view(record, &user.name)));
            let frame = websocket::text(&frame.encode());
            user.connections().iter().for_each(|connection| connection.push(frame.clone()));
        }
    }

    /// Makes a conversation reach a user who is ready already: everything since the user joined it that was not shown yet is shown.
    async fn join(&self, user: &Arc<LocalUser>, id: ConversationId) -> Result<()> {
        let Some((record, end)) = self.read(id).await? else { return Ok(()) };
        let Ok(index) = record.members.binary_search_by(|member| member.username.cmp(&user.name)) else {
            return Ok(());
        };
        self.show_conversation(&record, std::slice::from_ref(user));
        let since = record.members[index].joined_at_seq.min(end.seq);
        if self.conversations.get(id).is_none() {
            let reached = if since == 0 { Position::default() } else { Position { seq: since, ..end } };
            let local = self.conversations.attach(id, user, || (record, reached));
            if end > reached {
                self.read_on(&local).await?;
            }
            return Ok(());
        }
        self.catch_up_and_attach(user, id, since).await
    }

    /// Shows one user what others here have been shown since `seq`, then attaches the user.
    async fn catch_up_and_attach(
        &self,
        user: &Arc<LocalUser>,
        id: ConversationId,
        mut seq: u64,
    ) -> Result<()> {
        loop {
            let Some(local) = self.conversations.get(id) else { return Ok(()) };
            let reached = local.state.lock().sequencer.reached();
            while seq < reached.seq {
                let events = self.log.events(id, seq, PAGE).await?;
                let Some(last) = events.last() else { break };
                let last = last.position.seq.min(reached.seq);
                for event in events.iter().filter(|event| event.position.seq <= reached.seq) {
                    let frame = websocket::text(&event.frame());
                    for connection in user.connections() {
                        connection.live(id, event.position.seq, frame.clone());
                    }
                }
                self.marks.delivered(id, &user.name, last);
                seq = last;
            }
            if self.conversations.attach_at(id, user, reached) {
                return Ok(());
            }
        }
    }

    async fn read(&self, id: ConversationId) -> Result<Option<(Arc<Conversation>, Position)>> {
        let Some(record) = self.store.conversation(id).await? else { return Ok(None) };
        let end = self.log.ends(&[id]).await?.first().copied().unwrap_or_default();
        Ok(Some((Arc::new(record), end)))
    }

    async fn note_membership_version(&self, user: &Arc<LocalUser>) -> Result<()> {
        let versions = self.store.membership_versions(std::slice::from_ref(&user.name)).await?;
        user.membership_version.store(versions.first().copied().unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }
}
