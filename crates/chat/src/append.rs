//! From a client's request to the log, the ack, and the others.

use std::sync::Arc;

use bytes::Bytes;
use ports::{Append, Appended, Operation};
use protocol::chat::{Ack, Delete, Edit, ErrorFrame, React, Send, ServerFrame};
use protocol::hint::{EventHint, Hint, MAX_INLINE_BYTES};
use protocol::{ClientId, ConversationId, Event, EventBody, EventKind, Timestamp, Username};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use crate::clients::LocalUser;
use crate::connection::Connection;
use crate::shard::Shared;

/// A request that changes a conversation.
pub(crate) struct Request {
    id: ClientId,
    operation: Operation,
    body: EventBody,
    digest: u64,
}

impl Request {
    /// Makes the event of a message.
    pub(crate) fn send(send: Send, from: &Username, at: Timestamp) -> Self {
        let mut body = EventBody::new(EventKind::Message, from.clone(), send.id, at);
        body.text = send.text;
        body.content = send.content;
        body.reply_to = send.reply_to;
        let text = body.text.as_deref().unwrap_or_default().as_bytes();
        let content = body.content.as_deref().map_or("", RawValue::get).as_bytes();
        let digest = digest(&[b"send", text, content, &body.reply_to.unwrap_or(0).to_le_bytes()]);
        Self { id: body.id.clone(), operation: Operation::Message, body, digest }
    }

    /// Makes the event of an edit.
    pub(crate) fn edit(edit: Edit, from: &Username, at: Timestamp) -> Self {
        let mut body = EventBody::new(EventKind::Edited, from.clone(), edit.id, at);
        body.target = Some(edit.seq);
        body.text = Some(edit.text.clone());
        body.edited_at = Some(at);
        let digest = digest(&[b"edit", &edit.seq.to_le_bytes(), edit.text.as_bytes()]);
        let operation = Operation::Edit { target: edit.seq, text: edit.text };
        Self { id: body.id.clone(), operation, body, digest }
    }

    /// Makes the event of a deletion.
    pub(crate) fn delete(delete: Delete, from: &Username, at: Timestamp) -> Self {
        let mut body = EventBody::new(EventKind::Deleted, from.clone(), delete.id, at);
        body.target = Some(delete.seq);
        let operation = Operation::Delete { target: delete.seq };
        Self { id: body.id.clone(), operation, body, digest: digest(&[b"delete", &delete.seq.to_le_bytes()]) }
    }

    /// Makes the event of a reaction.
    pub(crate) fn react(react: React, from: &Username, at: Timestamp) -> Self {
        let mut body = EventBody::new(EventKind::Reacted, from.clone(), react.id, at);
        body.target = Some(react.seq);
        body.emoji = Some(react.emoji.clone());
        body.active = Some(react.active);
        let digest =
            digest(&[b"react", &react.seq.to_le_bytes(), react.emoji.as_bytes(), &[u8::from(react.active)]]);
        let operation = Operation::React { target: react.seq, emoji: react.emoji, active: react.active };
        Self { id: body.id.clone(), operation, body, digest }
    }
}

impl Shared {
    /// Finds the conversation of a message; one that goes to a user makes their direct conversation if there is none.
    pub(crate) async fn conversation_of(
        &self,
        send: &Send,
        from: &Username,
    ) -> ports::Result<ConversationId> {
        match (&send.conversation, &send.to) {
            (Some(conversation), _) => Ok(*conversation),
            (None, Some(to)) => self.direct(from, to).await,
            // Frames without either were refused when they were read.
            (None, None) => Err(ports::Error::ConversationNotFound),
        }
    }

    /// Queues a request for the log at once, and gives what waits for its end: the ack, the own sockets, the other shards.
    ///
    /// The queueing happens in this call, so that a connection's requests keep their order.
    pub(crate) fn append(
        self: &Arc<Self>,
        user: Arc<LocalUser>,
        connection: Arc<Connection>,
        conversation: ConversationId,
        request: Request,
    ) -> impl Future<Output = ()> + std::marker::Send + use<> {
        let Request { id, operation, body, digest } = request;
        let (at, body) = (body.sent_at, body.encode());
        let started = self.clock.monotonic();
        connection.begin_sending(conversation, id.clone());
        let append = self.log.append(Append {
            conversation,
            from: user.name.clone(),
            id: id.clone(),
            digest,
            operation,
            body: body.clone(),
            at,
        });
        let shared = self.clone();
        async move {
            match append.await {
                Ok(appended) => {
                    shared.metrics.ack_seconds.observe((shared.clock.monotonic() - started).as_secs_f64());
                    if appended.duplicate {
                        connection.end_sending(conversation, &id);
                    }
                    shared.acknowledge(&connection, id, conversation, appended);
                    if let Err(error) = shared.spread(&user, conversation, appended, body).await {
                        // The sweep comes by again.
                        tracing::warn!(%error, "cannot read a conversation after an append");
                    }
                }
                Err(error) => {
                    connection.end_sending(conversation, &id);
                    shared.refuse(&connection, id, &error);
                }
            }
        }
    }

    fn acknowledge(
        &self,
        connection: &Connection,
        id: ClientId,
        conversation: ConversationId,
        appended: Appended,
    ) {
        self.metrics.acked.inc();
        let Appended { position, sent_at, duplicate, .. } = appended;
        let (seq, r#gen) = (position.seq, position.r#gen);
        connection.send(&ServerFrame::Ack(Ack { id, conversation, seq, r#gen, sent_at, duplicate }));
    }

    /// Shows an event that has become durable to the own sockets, and tells the other shards.
    async fn spread(
        &self,
        user: &Arc<LocalUser>,
        conversation: ConversationId,
        appended: Appended,
        body: Bytes,
    ) -> ports::Result<()> {
        let Appended { position, version, duplicate, .. } = appended;
        self.joined(user, conversation, version).await?;
        let event = Event { conversation, position, body };
        // Of a duplicate, the event is the stored one, not this body; whoever lacks it reads it.
        let hint = match duplicate {
            true => EventHint { conversation, position, version, body: None },
            false => hint_of(&event, version),
        };
        let Some(local) = self.conversations.get(conversation) else {
            // The sender has gone, and nobody else of it is here.
            let Some(record) = self.store.conversation(conversation).await? else { return Ok(()) };
            let (shards, epoch) = self.route.of_record(&record);
            self.forward.hint(&shards, epoch, Hint::Event(hint));
            return Ok(());
        };
        let (shards, epoch) = self.route.of(&mut local.state.lock());
        self.forward.hint(&shards, epoch, Hint::Event(hint));
        if duplicate {
            self.repairs.later(conversation);
        } else {
            self.arrived(&local, event);
        }
        Ok(())
    }

    fn refuse(&self, connection: &Connection, id: ClientId, error: &ports::Error) {
        self.metrics.refused.with_label_values(&[error.code().as_str()]).inc();
        connection.send(&refusal(Some(id), error));
    }

    async fn direct(&self, from: &Username, to: &Username) -> ports::Result<ConversationId> {
        let pair = (from.clone(), to.clone());
        if let Some(known) = self.directs.lock().get(&pair) {
            return Ok(*known);
        }
        let conversation = self.store.direct_conversation(from, to, self.clock.now()).await?;
        self.directs.lock().put(pair, conversation.id);
        Ok(conversation.id)
    }
}

/// Makes the frame that refuses a request.
pub(crate) fn refusal(id: Option<ClientId>, error: &ports::Error) -> ServerFrame {
    let retry_after_ms = matches!(error, ports::Error::Unavailable(_)).then_some(1000);
    ServerFrame::Error(ErrorFrame { id, code: error.code(), detail: error.to_string(), retry_after_ms })
}

/// Makes the hint of an event; a short body travels with it.
pub(crate) fn hint_of(event: &Event, version: u64) -> EventHint {
    let short = event.body.len() <= MAX_INLINE_BYTES;
    let json = short.then(|| String::from_utf8(event.body.to_vec()).ok()).flatten();
    let body = json.and_then(|json| RawValue::from_string(json).ok());
    EventHint { conversation: event.conversation, position: event.position, version, body }
}

/// Condenses what a client asked for, so that a repeated id with another body is told apart; the same in every version.
fn digest(parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.digest()
}
