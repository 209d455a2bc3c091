//! One connection as the rest of the shard sees it: a queue of frames, and a way to end it.

use std::sync::OnceLock;

use availability::{Departure, SessionId};
use bytes::Bytes;
use protocol::presence::{Presence, ServerFrame};
use protocol::{CloseCode, LoginId, Username};
use tokio::sync::Notify;
use websocket::FrameQueue;

/// How many users one `snapshot` frame shows; more come in several.
const SNAPSHOT_USERS: usize = 500;

/// A connection.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Its number.
    pub(crate) session: SessionId,
    /// Whose it is.
    pub(crate) user: Username,
    /// The login that it belongs to.
    pub(crate) login: LoginId,
    /// What waits to be written.
    pub(crate) queue: FrameQueue,
    ending: OnceLock<(CloseCode, Departure)>,
    ended: Notify,
}

impl Socket {
    /// Makes a connection that is open.
    pub(crate) fn new(session: SessionId, user: Username, login: LoginId, queue_bytes: usize) -> Self {
        let queue = FrameQueue::new(queue_bytes);
        Self { session, user, login, queue, ending: OnceLock::new(), ended: Notify::new() }
    }

    /// Queues a frame that is encoded already.
    pub(crate) fn push(&self, frame: Bytes) {
        // A full queue ends the writer, and with it the connection.
        let _ = self.queue.push(frame);
    }

    /// Queues a frame.
    pub(crate) fn send(&self, frame: &ServerFrame) {
        self.push(websocket::text(&frame.encode()));
    }

    /// Queues a snapshot; one of nobody too, since a client waits for it.
    pub(crate) fn send_snapshot(&self, users: Vec<Presence>) {
        let mut rest = users;
        loop {
            let next = rest.split_off(rest.len().min(SNAPSHOT_USERS));
            self.send(&ServerFrame::Snapshot { users: rest });
            if next.is_empty() {
                return;
            }
            rest = next;
        }
    }

    /// Ends the connection, soon and for this reason; the first one counts.
    pub(crate) fn end(&self, code: CloseCode, departure: Departure) {
        if self.ending.set((code, departure)).is_ok() {
            self.ended.notify_one();
        }
    }

    /// Says whether the connection is about to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.get().is_some()
    }

    /// Waits until the connection is ended, and says why. One task may wait.
    pub(crate) async fn ended(&self) -> (CloseCode, Departure) {
        loop {
            if let Some(ending) = self.ending.get() {
                return *ending;
            }
            self.ended.notified().await;
        }
    }
}
