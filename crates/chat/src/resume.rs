//! Bringing a connection what it missed: from the log, in order with what happens meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use ports::Result;
use protocol::chat::{Cursor, NotRecovered, Resume, Resumed, ServerFrame};
use protocol::{ConversationId, Position};

use crate::clients::LocalUser;
use crate::connection::Connection;
use crate::conversation::{LocalConversation, view};
use crate::joining::{CHUNK, PAGE};
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
                conversations.insert(*id, resumed(cursor.position(), Some(NotRecovered::NotAMember)));
            }
        }
        let mine = user.conversations();
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
        first_live: &BTreeMap<ConversationId, u64>,
        conversations: &mut BTreeMap<ConversationId, Resumed>,
    ) -> Result<()> {
        let mut todo = mine.to_vec();
        loop {
            for chunk in todo.chunks(CHUNK) {
                for (id, end) in chunk.iter().zip(self.log.ends(chunk).await?) {
                    let Some(local) = self.conversations.get(*id) else {
                        connection.gate(|gate| gate.caught_up(*id));
                        continue;
                    };
                    let cursor = resume.cursors.get(id).copied();
                    let live = first_live.get(id).copied();
                    let answer = self.catch_up(user, connection, &local, end, cursor, live).await?;
                    conversations.insert(*id, answer);
                    // Where the store answers at once, nothing else would let the others in.
                    tokio::task::consume_budget().await;
                }
            }
            match connection.gate(session::Gate::end_resume) {
                Ok(()) => return Ok(()),
                Err(touched) => todo = touched,
            }
        }
    }

    /// Sends one conversation's events after `cursor`, unless `live`, a later one, has passed already; the log was seen to end at `end`.
    async fn catch_up(
        &self,
        user: &Arc<LocalUser>,
        connection: &Connection,
        local: &LocalConversation,
        mut end: Position,
        cursor: Option<Cursor>,
        live: Option<u64>,
    ) -> Result<Resumed> {
        let start = self.start(user, connection, local, cursor);
        let lost = self.log_lost_tail(local.id, cursor, end).await?;
        let reason = if lost {
            Some(NotRecovered::LogLostTail)
        } else if live.is_some_and(|live| start + 1 < live) {
            Some(NotRecovered::TooLate)
        } else if live.is_none() && end.seq.saturating_sub(start) > self.options.resume_events {
            Some(NotRecovered::TooFarBehind)
        } else {
            None
        };
        if reason.is_some() || live.is_some() {
            let state = local.state.lock();
            connection.gate(|gate| gate.caught_up(local.id));
            return Ok(resumed(state.sequencer.reached(), reason));
        }
        // The generation of an event that the client has is of no matter: something follows it.
        let mut at = if start == end.seq { end } else { Position { seq: start, ..Position::default() } };
        loop {
            let reached = {
                let state = local.state.lock();
                let reached = state.sequencer.reached();
                // Under the lock, so that the next event passes the gate.
                if reached == at && at >= end {
                    connection.gate(|gate| gate.caught_up(local.id));
                    return Ok(resumed(reached, None));
                }
                reached
            };
            let before = at;
            at = match self.send_after(user, connection, local.id, at).await? {
                Some(at) => at,
                None => {
                    self.leave(user, local.id).await?;
                    connection.gate(|gate| gate.caught_up(local.id));
                    return Ok(resumed(at, Some(NotRecovered::NotAMember)));
                }
            };
            if at > before {
                self.delivered(&local.state.lock(), user, at.seq);
            }
            if at > reached {
                // The log is ahead of what was shown here: show it, to the others as well.
                local.state.lock().sequencer.expect(at);
                self.read_on(local).await?;
            } else if at == before {
                // What was shown here, or seen as the log's end, is not there: on its way from another copy of the log, or lost.
                end = self.log.ends(&[local.id]).await?.first().copied().unwrap_or_default();
                let state = local.state.lock();
                if end.seq <= at.seq && state.sequencer.reached() == reached {
                    connection.gate(|gate| gate.caught_up(local.id));
                    let lost = (end.seq < at.seq).then_some(NotRecovered::LogLostTail);
                    return Ok(resumed(end, lost));
                }
            }
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

    /// Sends events page by page, no faster than the client reads, and gives the place of the last one; nothing if the user is no member any more.
    async fn send_after(
        &self,
        user: &LocalUser,
        connection: &Connection,
        id: ConversationId,
        mut at: Position,
    ) -> Result<Option<Position>> {
        loop {
            let events = self.log.events(id, at.seq, PAGE).await?;
            // While a slow client read the last page, much may have happened.
            if !events.is_empty() && !self.is_member(id, user).await? {
                return Ok(None);
            }
            for event in &events {
                connection.room().await;
                connection.push(websocket::text(&event.frame()));
                at = event.position;
            }
            if events.len() < PAGE {
                return Ok(Some(at));
            }
        }
    }

    /// Says whether the client has seen what the log has not.
    async fn log_lost_tail(&self, id: ConversationId, cursor: Option<Cursor>, end: Position) -> Result<bool> {
        match cursor {
            Some(cursor) if cursor.seq() > end.seq => Ok(true),
            Some(Cursor::Position(position)) if position.seq == end.seq => Ok(position != end && end.seq > 0),
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
