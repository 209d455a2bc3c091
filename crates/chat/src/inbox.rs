//! Taking hints from other shards and from the api.

use std::sync::Arc;
use std::time::Duration;

use protocol::hint::{Envelope, EventHint, Hint};
use protocol::{CloseCode, ConversationId, Event, Position};

use crate::shard::Shared;

/// How many hints are read at once.
const MAX_BATCH: usize = 512;
/// How long to wait when the inbox cannot be read.
const BACKOFF: Duration = Duration::from_millis(250);

impl Shared {
    /// Reads the shard's inbox from its end on, for ever.
    pub(crate) async fn read_inbox(self: Arc<Self>, mut cursor: u64) {
        loop {
            let batch = match self.inbox.read(&self.shard, cursor, MAX_BATCH).await {
                Ok(batch) => batch,
                Err(error) => {
                    tracing::warn!(%error, "cannot read the inbox; the sweep goes on");
                    tokio::time::sleep(BACKOFF).await;
                    continue;
                }
            };
            cursor = batch.cursor;
            self.metrics.hints.inc_by(batch.entries.len() as u64);
            for entry in batch.entries {
                match Envelope::decode(&entry) {
                    Ok(envelope) => self.take(envelope).await,
                    Err(error) => tracing::warn!(%error, "a hint cannot be read"),
                }
            }
        }
    }

    async fn take(&self, envelope: Envelope) {
        let Envelope { epoch, passed_on, hint } = envelope;
        if let Some(conversation) = concerns(&hint)
            && !passed_on
            && epoch < u64::from(self.route.table().epoch)
        {
            self.pass_on(conversation, &hint).await;
        }
        let result = match hint {
            Hint::Event(event) => self.take_event(event).await,
            Hint::Conversation(change) => {
                self.changed(change.conversation, change.version, &change.removed).await
            }
            Hint::Receipt { conversation, .. } | Hint::Typing { conversation, .. } => {
                if let Some(local) = self.conversations.get(conversation) {
                    self.show_passing(&local.state.lock().locals, &hint);
                }
                Ok(())
            }
            Hint::LoginEnded { login, user } => {
                for connection in self.clients.of_login(&user, login) {
                    connection.end(CloseCode::Unauthenticated, "logged out");
                }
                Ok(())
            }
            Hint::Presence { .. } | Hint::Contacts { .. } => Ok(()),
        };
        if let Err(error) = result {
            tracing::warn!(%error, "cannot follow a hint; the sweep tries again");
        }
    }

    async fn take_event(&self, hint: EventHint) -> ports::Result<()> {
        let EventHint { conversation, position, version, body } = hint;
        self.changed(conversation, version, &[]).await?;
        let Some(local) = self.conversations.get(conversation) else { return Ok(()) };
        match body {
            Some(body) => {
                let body = Box::<str>::from(body).into_string().into();
                self.arrived(&local, Event { conversation, position, body });
                Ok(())
            }
            None if is_new(&local.state.lock().sequencer.reached(), &position) => self.read_on(&local).await,
            None => Ok(()),
        }
    }

    /// Sends a hint that came by an older table to the members' owners of today.
    async fn pass_on(&self, conversation: ConversationId, hint: &Hint) {
        let (shards, epoch) = match self.conversations.get(conversation) {
            Some(local) => self.route.of(&mut local.state.lock()),
            None => match self.store.conversation(conversation).await {
                Ok(Some(record)) => self.route.of_record(&record),
                Ok(None) | Err(_) => return,
            },
        };
        self.forward.pass_on(&shards, epoch, hint.clone());
    }
}

fn is_new(reached: &Position, position: &Position) -> bool {
    position > reached
}

fn concerns(hint: &Hint) -> Option<ConversationId> {
    match hint {
        Hint::Event(event) => Some(event.conversation),
        Hint::Conversation(change) => Some(change.conversation),
        Hint::Receipt { conversation, .. } | Hint::Typing { conversation, .. } => Some(*conversation),
        Hint::LoginEnded { .. } | Hint::Presence { .. } | Hint::Contacts { .. } => None,
    }
}
