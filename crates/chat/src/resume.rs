//! Bringing a connection what it missed: from the log, in order with what happens meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ports::Result;
use protocol::chat::{Cursor, NotRecovered, Resume, Resumed, ServerFrame};
use protocol::{ConversationId, Position};

use crate::clients::LocalUser;
use crate::connection::Connection;
use crate::conversation::{LocalConversation, view};
use crate::joining::PAGE;
use crate::shard::Shared;

impl Shared {
    /// Answers a `resume`.
    pub(crate) async fn resume(
        self: Arc<Self>,
        user: Arc<LocalUser>,
        connection: Arc<Connection>,
        resume: Resume,
    ) -> Result<()> {
        let first_live = connection.gate(session::Gate::begin_resume);
        self.refresh(&user).await?;
        let mut conversations = BTreeMap::new();
        for (id, cursor) in &resume.cursors {
            if !user.is_in(*id) {
                let position = Position { seq: cursor.seq(), ..Position::default() };
                conversations.insert(*id, resumed(position, Some(NotRecovered::NotAMember)));
            }
        }
        let mine: Vec<ConversationId> = user.conversations.lock().clone();
        if let Some(first_live) = first_live {
            self.catch_up_all(&user, &connection, &mine, &resume, &first_live, &mut conversations).await?;
        } else {
            // A second resume: what came since the first has passed live, and nothing comes twice on a connection.
            for id in mine {
                if let Some(local) = self.conversations.get(id) {
                    let reached = local.state.lock().sequencer.reached();
                    let behind = resume.cursors.get(&id).is_some_and(|cursor| cursor.seq() < reached.seq);
                    conversations.insert(id, resumed(reached, behind.then_some(NotRecovered::TooLate)));
                }
            }
        }
        connection.send(&ServerFrame::Resumed { conversations });
        Ok(())
    }

    async fn catch_up_all(
        &self,
        user: &Arc<LocalUser>,
        connection: &Connection,
        mine: &[ConversationId],
        resume: &Resume,
        first_live: &HashMap<ConversationId, u64>,
        conversations: &mut BTreeMap<ConversationId, Resumed>,
    ) -> Result<()> {
        let mut todo = mine.to_vec();
        loop {
            for id in todo {
                let Some(local) = self.conversations.get(id) else {
                    connection.gate(|gate| gate.caught_up(id));
                    continue;
                };
                let cursor = resume.cursors.get(&id).copied();
                let live = first_live.get(&id).copied();
                let answer = self.catch_up(user, connection, &local, cursor, live).await?;
                conversations.insert(id, answer);
            }
            match connection.gate(session::Gate::end_resume) {
                Ok(()) => return Ok(()),
                Err(touched) => todo = touched,
            }
        }
    }

    /// Sends one conversation's events after `cursor`, unless `live`, a later one, has passed already.
    async fn catch_up(
        &self,
        user: &LocalUser,
        connection: &Connection,
        local: &LocalConversation,
        cursor: Option<Cursor>,
        live: Option<u64>,
    ) -> Result<Resumed> {
        let end = self.log.ends(&[local.id]).await?.first().copied().unwrap_or_default();
        let mut at = self.start(user, connection, local, cursor);
        let lost = self.log_lost_tail(local.id, cursor, end).await?;
        let reason = if lost {
            Some(NotRecovered::LogLostTail)
        } else if live.is_some_and(|live| at + 1 < live) {
            Some(NotRecovered::TooLate)
        } else if live.is_none() && end.seq.saturating_sub(at) > self.options.resume_events {
            Some(NotRecovered::TooFarBehind)
        } else {
            None
        };
        if reason.is_some() || live.is_some() {
            let state = local.state.lock();
            connection.gate(|gate| gate.caught_up(local.id));
            return Ok(resumed(state.sequencer.reached(), reason));
        }
        loop {
            let before = at;
            at = self.send_after(connection, local.id, at).await?;
            if at > before && local.state.lock().record.members.len() <= self.options.marks_members {
                self.marks.delivered(local.id, &user.name, at);
            }
            {
                let state = local.state.lock();
                let reached = state.sequencer.reached();
                // Under the lock, so that the next event passes the gate.
                if reached.seq == at {
                    connection.gate(|gate| gate.caught_up(local.id));
                    return Ok(resumed(reached, None));
                }
                if reached.seq > at {
                    continue;
                }
            }
            // The log is ahead of what was shown here: show it, to the others as well.
            self.read_on(local).await?;
            tokio::task::yield_now().await;
        }
    }

    /// Gives the number after which to begin: the client's, or where the user joined a conversation that the client does not know.
    fn start(
        &self,
        user: &LocalUser,
        connection: &Connection,
        local: &LocalConversation,
        cursor: Option<Cursor>,
    ) -> u64 {
        if let Some(cursor) = cursor {
            return cursor.seq();
        }
        let record = local.state.lock().record.clone();
        connection.send(&ServerFrame::Conversation(Box::new(view(&record, &user.name))));
        let member = record.members.iter().find(|member| member.username == user.name);
        member.map_or(0, |member| member.joined_at_seq)
    }

    /// Sends events page by page, no faster than the client reads, and gives the number of the last one.
    async fn send_after(&self, connection: &Connection, id: ConversationId, mut at: u64) -> Result<u64> {
        loop {
            let events = self.log.events(id, at, PAGE).await?;
            let full = events.len() == PAGE;
            for event in &events {
                connection.room().await;
                connection.push(websocket::text(&event.frame()));
                at = event.position.seq;
            }
            if !full {
                return Ok(at);
            }
        }
    }

    /// Says whether the client has seen what the log has not.
    async fn log_lost_tail(&self, id: ConversationId, cursor: Option<Cursor>, end: Position) -> Result<bool> {
        match cursor {
            Some(cursor) if cursor.seq() > end.seq => Ok(true),
            Some(Cursor::Position(position)) if position.seq > 0 => {
                let event = self.log.event(id, position.seq).await?;
                Ok(event.is_none_or(|event| event.position.r#gen != position.r#gen))
            }
            _ => Ok(false),
        }
    }
}

fn resumed(position: Position, reason: Option<NotRecovered>) -> Resumed {
    Resumed { seq: position.seq, r#gen: position.r#gen, recovered: reason.is_none(), reason }
}
