//! Which conversations reach which user here: read when the user comes, kept true by hints and by the sweep.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ports::{Conversation, Result};
use protocol::chat::ServerFrame;
use protocol::{ConversationId, Position, Username};

use crate::clients::LocalUser;
use crate::conversation::{Attach, LocalConversation, view};
use crate::shard::Shared;

/// How many events are read at once.
pub(crate) const PAGE: usize = 200;
/// The ends of how many logs are read at once.
pub(crate) const CHUNK: usize = 256;

impl Shared {
    /// Reads a user's conversations once; when it returns, every event that becomes durable from then on reaches the user's sockets.
    pub(crate) async fn make_ready(&self, user: &Arc<LocalUser>) -> Result<()> {
        user.ready.get_or_try_init(|| self.load(user)).await.copied()
    }

    async fn load(&self, user: &Arc<LocalUser>) -> Result<()> {
        self.note_membership_version(user).await?;
        let mut records = Vec::new();
        for membership in self.store.memberships(&user.name).await? {
            if !self.conversations.attach_known(membership.conversation, user)
                && let Some(record) = self.store.conversation(membership.conversation).await?
            {
                records.push(Arc::new(record));
            }
        }
        for chunk in records.chunks(CHUNK) {
            let ids: Vec<ConversationId> = chunk.iter().map(|record| record.id).collect();
            for (record, end) in chunk.iter().zip(self.log.ends(&ids).await?) {
                self.take_record(record.clone());
                self.conversations.attach_or_begin(user, record.clone(), end);
            }
            // A hint that came since the ends were read found nobody.
            for (id, end) in ids.iter().zip(self.log.ends(&ids).await?) {
                let local = self.conversations.get(*id);
                if local.is_some_and(|local| local.state.lock().sequencer.reached() < end) {
                    self.repairs.later(*id);
                }
            }
        }
        Ok(())
    }

    /// Compares a user's conversations with the store's: joins those that are new, leaves those that are gone.
    pub(crate) async fn refresh(&self, user: &Arc<LocalUser>) -> Result<()> {
        let version = self.membership_version(user).await?;
        let memberships = self.store.memberships(&user.name).await?;
        let stored: BTreeSet<ConversationId> =
            memberships.iter().map(|membership| membership.conversation).collect();
        for id in user.conversations().into_iter().filter(|id| !stored.contains(id)) {
            self.leave(user, id).await?;
        }
        for id in stored {
            self.join(user, id).await?;
        }
        // Noted last: what fails is tried again.
        user.membership_version.store(version, Ordering::Relaxed);
        Ok(())
    }

    /// Takes note that one of the user's requests succeeded in a conversation of this version.
    pub(crate) async fn joined(&self, user: &Arc<LocalUser>, id: ConversationId, version: u64) -> Result<()> {
        self.changed(id, version, &[]).await?;
        self.join(user, id).await
    }

    /// Takes note that a conversation has changed: reads its members, and joins and leaves accordingly.
    pub(crate) async fn changed(&self, id: ConversationId, version: u64, removed: &[Username]) -> Result<()> {
        let local = self.conversations.get(id);
        let known = local.as_ref().map(|local| {
            let state = local.state.lock();
            (state.record.clone(), state.joined)
        });
        let record = match known {
            Some((_, joined)) if joined >= version => return Ok(()),
            Some((record, _)) if record.version >= version => record,
            None if removed.is_empty() && self.conversations.is_elsewhere(id, version) => return Ok(()),
            _ => match self.store.conversation(id).await? {
                Some(record) => self.take_record(Arc::new(record)),
                None => return Ok(()),
            },
        };
        if local.is_none() {
            let gone: Vec<Arc<LocalUser>> =
                removed.iter().filter_map(|name| self.clients.get(name)).collect();
            self.show_conversation(&record, &gone);
        }
        self.join_members(&record).await
    }

    /// Takes note of a conversation as it was just read.
    pub(crate) async fn changed_to(&self, record: Conversation) -> Result<()> {
        let record = self.take_record(Arc::new(record));
        let local = self.conversations.get(record.id);
        match local.map(|local| local.state.lock().joined) {
            Some(joined) if joined < record.version => self.join_members(&record).await,
            _ => Ok(()),
        }
    }

    /// Puts a conversation's record in force unless a newer one is: shows it to the members here, and leaves those behind who are none any more.
    /// Gives the record in force.
    pub(crate) fn take_record(&self, record: Arc<Conversation>) -> Arc<Conversation> {
        let Some(local) = self.conversations.get(record.id) else { return record };
        let mut state = local.state.lock();
        if state.record.version >= record.version {
            return state.record.clone();
        }
        state.record = record.clone();
        self.show_conversation(&record, &state.locals);
        // Under the same lock, so that nothing more is shown to them.
        state.detach_others();
        drop(state);
        self.conversations.forget_empty(record.id);
        record
    }

    /// Sends a conversation as it is now to users' sockets.
    pub(crate) fn show_conversation(&self, record: &Conversation, users: &[Arc<LocalUser>]) {
        for user in users {
            let frame = ServerFrame::Conversation(Box::new(view(record, &user.name)));
            let frame = websocket::text(&frame.encode());
            user.connections().iter().for_each(|connection| connection.push(frame.clone()));
        }
    }

    /// Makes a conversation reach a user no more, and says so, if the user is no member any more.
    pub(crate) async fn leave(&self, user: &Arc<LocalUser>, id: ConversationId) -> Result<()> {
        let Some(record) = self.store.conversation(id).await? else {
            self.conversations.detach(id, user);
            return Ok(());
        };
        let record = self.take_record(Arc::new(record));
        if index_of(&record, user).is_none() {
            self.conversations.detach(id, user);
            self.show_conversation(&record, std::slice::from_ref(user));
        }
        Ok(())
    }

    /// Makes a conversation reach those of its members who are connected here.
    async fn join_members(&self, record: &Conversation) -> Result<()> {
        let mut coming = false;
        for member in &record.members {
            if let Some(user) = self.clients.get(&member.username) {
                if user.ready.initialized() {
                    self.join(&user, record.id).await?;
                } else {
                    // Finds the conversation by itself, or not if it was read just before.
                    coming = true;
                }
            }
        }
        if coming {
            return Ok(());
        }
        match self.conversations.get(record.id) {
            Some(local) => {
                let mut state = local.state.lock();
                state.joined = state.joined.max(record.version);
            }
            None => self.conversations.note_elsewhere(record.id, record.version),
        }
        Ok(())
    }

    /// Makes a conversation reach a user who is ready already: everything since the user joined it that was not shown yet is shown.
    async fn join(&self, user: &Arc<LocalUser>, id: ConversationId) -> Result<()> {
        if user.is_in(id) {
            return Ok(());
        }
        let _joining = user.joining.lock().await;
        if user.is_in(id) {
            return Ok(());
        }
        let Some(record) = self.store.conversation(id).await? else { return Ok(()) };
        let record = self.take_record(Arc::new(record));
        let Some(index) = index_of(&record, user) else { return Ok(()) };
        self.show_conversation(&record, std::slice::from_ref(user));
        let mut seq = record.members[index].joined_at_seq;
        loop {
            if let Some(local) = self.conversations.get(id) {
                match self.catch_up_and_attach(user, &local, &mut seq).await? {
                    Attach::Done => return Ok(()),
                    Attach::Moved => {}
                    Attach::Never => return self.leave(user, id).await,
                }
            } else {
                let reached = self.place_of(id, seq).await?;
                match self.conversations.begin(user, record.clone(), reached) {
                    Ok(local) => return self.read_on(&local).await,
                    Err(Attach::Never) => return self.leave(user, id).await,
                    Err(Attach::Done | Attach::Moved) => {}
                }
            }
        }
    }

    /// Shows one user what others here have been shown since `seq`, then attaches the user.
    async fn catch_up_and_attach(
        &self,
        user: &Arc<LocalUser>,
        local: &LocalConversation,
        seq: &mut u64,
    ) -> Result<Attach> {
        let (id, reached) = (local.id, local.state.lock().sequencer.reached());
        while *seq < reached.seq {
            let events = self.log.events(id, *seq, PAGE).await?;
            let Some(last) = events.last() else { break };
            if !self.is_member(id, user).await? {
                return Ok(Attach::Never);
            }
            let state = local.state.lock();
            for event in events.iter().filter(|event| event.position.seq <= reached.seq) {
                self.show_to(&state, std::slice::from_ref(user), event);
            }
            *seq = last.position.seq.min(reached.seq);
        }
        Ok(self.conversations.attach_at(id, user, reached))
    }

    /// Says whether a user is a member now. Asked after events were read: whoever is one was one when they were appended, or has come since.
    pub(crate) async fn is_member(&self, id: ConversationId, user: &LocalUser) -> Result<bool> {
        Ok(self.store.membership(id, &user.name).await?.is_some())
    }

    /// Gives the place of the event with a number; of a number past the log's end, that end.
    async fn place_of(&self, id: ConversationId, seq: u64) -> Result<Position> {
        if seq == 0 {
            return Ok(Position::default());
        }
        match self.log.event(id, seq).await? {
            Some(event) => Ok(event.position),
            None => Ok(self.log.ends(&[id]).await?.first().copied().unwrap_or_default()),
        }
    }

    async fn note_membership_version(&self, user: &LocalUser) -> Result<()> {
        user.membership_version.store(self.membership_version(user).await?, Ordering::Relaxed);
        Ok(())
    }

    async fn membership_version(&self, user: &LocalUser) -> Result<u64> {
        let versions = self.store.membership_versions(std::slice::from_ref(&user.name)).await?;
        Ok(versions.first().copied().unwrap_or(0))
    }
}

/// Gives where a user is among a conversation's members.
fn index_of(record: &Conversation, user: &LocalUser) -> Option<usize> {
    record.members.binary_search_by(|member| member.username.cmp(&user.name)).ok()
}
