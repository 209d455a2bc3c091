//! One connection, as the rest of the shard sees it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::chat::ServerFrame;
use protocol::{ClientId, CloseCode, ConversationId, LoginId};
use session::{Gate, Passage};
use tokio::sync::Notify;
use websocket::FrameQueue;

/// While more than this waits to be written to the client, nothing more is read for it, in bytes.
const ENOUGH_QUEUED: usize = 128 * 1024;
/// How often a client that reads slowly is looked after.
const QUEUE_PATIENCE: Duration = Duration::from_millis(5);
/// How many own requests' events are kept from a connection at most: twice what may wait for the store.
const MAX_SENDING: usize = 128;

/// One connection: where frames for it go.
pub(crate) struct Connection {
    /// Tells connections apart within the shard, in the order of their coming.
    pub(crate) id: u64,
    /// The login that it belongs to.
    pub(crate) login: LoginId,
    /// What waits to be written.
    pub(crate) queue: FrameQueue,
    /// The ids of its own requests that are on their way: it gets their acks, and not the events.
    sending: Mutex<Vec<(ConversationId, ClientId)>>,
    /// Whether live events may pass.
    gate: Mutex<Gate<Bytes>>,
    /// Why it is to be closed, if it is.
    ending: Mutex<Option<(CloseCode, &'static str)>>,
    ends: Notify,
    /// Held while a page of history is read and sent: pages come one after the other, so that they cost the memory of one.
    pub(crate) paging: tokio::sync::Mutex<()>,
    /// Whether the client was told to go elsewhere.
    sent_away: AtomicBool,
    /// When something last came from the client, in milliseconds of the shard's clock that only grows.
    heard_at: AtomicU64,
}

impl Connection {
    pub(crate) fn new(id: u64, login: LoginId, queue_bytes: usize, now: u64) -> Self {
        Self {
            id,
            login,
            queue: FrameQueue::new(queue_bytes),
            sending: Mutex::default(),
            gate: Mutex::default(),
            ending: Mutex::default(),
            ends: Notify::new(),
            paging: tokio::sync::Mutex::default(),
            sent_away: AtomicBool::new(false),
            heard_at: AtomicU64::new(now),
        }
    }

    /// Queues a frame. A full or closed queue ends the connection by itself: its writer notices.
    pub(crate) fn send(&self, frame: &ServerFrame) {
        self.push(websocket::text(&frame.encode()));
    }

    /// Takes note that something came from the client.
    pub(crate) fn heard(&self, now: u64) {
        self.heard_at.store(now, Ordering::Relaxed);
    }

    /// Says for how long nothing has come from the client, in milliseconds.
    pub(crate) fn silence(&self, now: u64) -> u64 {
        now.saturating_sub(self.heard_at.load(Ordering::Relaxed))
    }

    /// Waits until little waits to be written, or the connection is to be closed: what is read for a client comes no faster than the client reads.
    pub(crate) async fn room(&self) {
        while self.queue.bytes() > ENOUGH_QUEUED && !self.is_ending() {
            tokio::time::sleep(QUEUE_PATIENCE).await;
        }
    }

    /// Queues an encoded frame.
    pub(crate) fn push(&self, frame: Bytes) {
        // The writer learns of an overflow from the queue itself.
        let _ = self.queue.push(frame);
    }

    /// Takes a conversation's live event, encoded.
    pub(crate) fn live(&self, conversation: ConversationId, seq: u64, frame: Bytes) {
        // Pushed under the lock, so that what the gate releases keeps its order.
        let mut gate = self.gate.lock();
        match gate.live(conversation, seq, frame) {
            Passage::Pass(frame) => self.push(frame),
            Passage::Release(frames) => frames.into_iter().for_each(|frame| self.push(frame)),
            Passage::Kept => {}
        }
    }

    /// Takes note that a request is on its way.
    pub(crate) fn begin_sending(&self, conversation: ConversationId, id: ClientId) {
        let mut sending = self.sending.lock();
        if sending.len() == MAX_SENDING {
            sending.remove(0);
        }
        sending.push((conversation, id));
    }

    /// Takes note that a request's event was or will not be shown here; says whether the request was on its way.
    pub(crate) fn end_sending(&self, conversation: ConversationId, id: &ClientId) -> bool {
        let mut sending = self.sending.lock();
        let index = sending.iter().position(|(known, other)| *known == conversation && other == id);
        if let Some(index) = index {
            sending.remove(index);
        }
        if sending.is_empty() {
            sending.shrink_to_fit();
        }
        index.is_some()
    }

    /// Lets live events flow.
    pub(crate) fn open(&self) {
        let mut gate = self.gate.lock();
        gate.open().into_iter().for_each(|frame| self.push(frame));
    }

    /// Gives the gate for a resume.
    pub(crate) fn gate<R>(&self, act: impl FnOnce(&mut Gate<Bytes>) -> R) -> R {
        act(&mut self.gate.lock())
    }

    /// Asks the connection's task to close it.
    pub(crate) fn end(&self, code: CloseCode, reason: &'static str) {
        self.ending.lock().get_or_insert((code, reason));
        self.ends.notify_one();
    }

    /// Says whether the connection is to be closed.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.lock().is_some()
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn ended(&self) -> (CloseCode, &'static str) {
        loop {
            if let Some(ending) = *self.ending.lock() {
                return ending;
            }
            self.ends.notified().await;
        }
    }

    /// Says whether this is the first time that the client is told to go elsewhere.
    pub(crate) fn send_away_once(&self) -> bool {
        !self.sent_away.swap(true, Ordering::Relaxed)
    }
}
