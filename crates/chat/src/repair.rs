//! Reading the log where events are missing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
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
    /// What is on the list: a conversation is on it once, however many of its events are early.
    waiting: Mutex<BTreeSet<ConversationId>>,
    patience: Duration,
}

impl Repairs {
    /// Makes the list, and the end that [`Shared::repair`] works off.
    pub(crate) fn new(patience: Duration) -> (Self, mpsc::Receiver<(ConversationId, Instant)>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self { sender, waiting: Mutex::default(), patience }, receiver)
    }

    /// Has a conversation looked at after a moment.
    pub(crate) fn later(&self, conversation: ConversationId) {
        let mut waiting = self.waiting.lock();
        // A full list is no loss: the sweep finds the conversation.
        if waiting.insert(conversation)
            && self.sender.try_send((conversation, Instant::now() + self.patience)).is_err()
        {
            waiting.remove(&conversation);
        }
    }

    /// Gives how many conversations wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().len()
    }
}

impl Shared {
    /// Works off the list of repairs, for ever.
    pub(crate) async fn repair(self: Arc<Self>, mut list: mpsc::Receiver<(ConversationId, Instant)>) {
        while let Some((id, due)) = list.recv().await {
            tokio::time::sleep_until(due).await;
            // Before the look, so that what comes from here on is looked at again.
            self.repairs.waiting.lock().remove(&id);
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
        let _reading = local.reading.lock().await;
        let mut begun = local.state.lock().sequencer.read_after();
        let mut after = begun;
        loop {
            let events = self.log.events(local.id, after, PAGE).await?;
            let Some(end) = events.last().map(|event| event.position) else { return Ok(()) };
            let (begin, reached) = {
                let mut state = local.state.lock();
                state.sequencer.expect(end);
                (state.sequencer.read_after(), state.sequencer.reached())
            };
            if begin < begun {
                // They are of a greater generation, which may have begun earlier.
                (begun, after) = (begin, begin);
                continue;
            }
            // Read after the events: whoever was no member any more when they were appended is none by now, and is not shown them.
            if end > reached
                && let Some(record) = self.store.conversation(local.id).await?
            {
                self.take_record(Arc::new(record));
            }
            let full = events.len() == PAGE;
            let mut state = local.state.lock();
            for event in events {
                after = event.position.seq;
                self.filled(&mut state, event);
            }
            if !full {
                return Ok(());
            }
        }
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
