//! Reading the log where events are missing.

use std::sync::Arc;
use std::time::Duration;

use ports::Result;
use protocol::ConversationId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::conversation::LocalConversation;
use crate::joining::PAGE;
use crate::shard::Shared;

/// How many conversations may wait for a repair; those beyond are found by the sweep.
const MAX_WAITING: usize = 16_384;

/// The conversations that may have to be repaired, each with the time when what is missing has been waited for long enough.
pub(crate) struct Repairs {
    sender: mpsc::Sender<(ConversationId, Instant)>,
    patience: Duration,
}

impl Repairs {
    /// Makes the list, and the end that [`Shared::repair`] works off.
    pub(crate) fn new(patience: Duration) -> (Self, mpsc::Receiver<(ConversationId, Instant)>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self { sender, patience }, receiver)
    }

    /// Has a conversation looked at after a moment.
    pub(crate) fn later(&self, conversation: ConversationId) {
        // A full list is no loss: the sweep finds the conversation.
        let _ = self.sender.try_send((conversation, Instant::now() + self.patience));
    }
}

impl Shared {
    /// Works off the list of repairs, for ever.
    pub(crate) async fn repair(self: Arc<Self>, mut list: mpsc::Receiver<(ConversationId, Instant)>) {
        while let Some((id, due)) = list.recv().await {
            tokio::time::sleep_until(due).await;
            let Some(local) = self.conversations.get(id) else { continue };
            if !self.lacks_something(&local).await {
                continue;
            }
            self.metrics.repairs.inc();
            if let Err(error) = self.read_on(&local).await {
                tracing::warn!(%error, "cannot read a log; the sweep tries again");
            }
        }
    }

    /// Reads a conversation's log on from what was shown, and shows it.
    pub(crate) async fn read_on(&self, local: &LocalConversation) -> Result<()> {
        let mut after = {
            let mut state = local.state.lock();
            if std::mem::replace(&mut state.reading, true) {
                return Ok(());
            }
            state.sequencer.read_after()
        };
        let result = loop {
            let events = match self.log.events(local.id, after, PAGE).await {
                Ok(events) => events,
                Err(error) => break Err(error),
            };
            let full = events.len() == PAGE;
            let mut state = local.state.lock();
            for event in events {
                after = event.position.seq;
                self.filled(&mut state, event);
            }
            if !full {
                break Ok(());
            }
        };
        local.state.lock().reading = false;
        result
    }

    async fn lacks_something(&self, local: &LocalConversation) -> bool {
        let (waits, reached) = {
            let state = local.state.lock();
            (state.sequencer.waits(), state.sequencer.reached())
        };
        if waits {
            return true;
        }
        match self.log.ends(&[local.id]).await {
            Ok(ends) => ends.first().is_some_and(|end| *end > reached),
            Err(_) => false,
        }
    }
}
