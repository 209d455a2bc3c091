//! The frames that wait to be written on one connection.

use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::time::Instant;

/// How much may wait on one connection unless said otherwise, in bytes.
pub const DEFAULT_QUEUE_BYTES: usize = 1024 * 1024;

/// What a frame counts beside its own bytes: many small frames are mostly bookkeeping.
const FRAME_OVERHEAD: usize = size_of::<Bytes>();

/// A handle to a connection's bounded queue of encoded frames; clones share it.
///
/// It has one consumer, the connection's [`Writer`](crate::Writer), and any number of producers. A frame that finds no
/// room is refused, and so is every later one: a receiver never gets a stream with a gap.
#[derive(Clone, Debug)]
pub struct FrameQueue {
    shared: Arc<Shared>,
}

/// Why a frame was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// This frame, or one before it, found no room: the client reads too slowly.
    #[error("queue is full")]
    Full,
    /// The connection closes.
    #[error("queue is closed")]
    Closed,
}

#[derive(Debug)]
struct Shared {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    /// When the first of `frames` was queued.
    queued_since: Option<Instant>,
    /// When the first of the frames that the writer has taken was queued.
    taken_since: Option<Instant>,
    /// What is queued or taken and not written, with the overhead.
    bytes: usize,
    overflowed: bool,
    closed: bool,
    waker: Option<Waker>,
    /// Whether the writer waits for frames, and not only for news of an overflow.
    idle: bool,
}

impl FrameQueue {
    /// Makes an empty queue for at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self { shared: Arc::new(Shared { max_bytes, state: Mutex::default() }) }
    }

    /// Queues an encoded frame, and wakes the writer if it waits.
    ///
    /// # Errors
    ///
    /// The queue is full or was closed; the frame is dropped.
    pub fn push(&self, frame: Bytes) -> Result<(), PushError> {
        let mut state = self.shared.state.lock();
        if state.closed {
            return Err(PushError::Closed);
        }
        if state.overflowed {
            return Err(PushError::Full);
        }
        let result = if state.bytes + frame.len() + FRAME_OVERHEAD > self.shared.max_bytes {
            state.overflowed = true;
            Err(PushError::Full)
        } else {
            state.append(frame);
            Ok(())
        };
        let waker = if state.idle || result.is_err() { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Gives how much waits, in bytes; each frame counts a little more than its size.
    pub fn bytes(&self) -> usize {
        self.shared.state.lock().bytes
    }

    /// Tells since when the oldest frame waits, `None` if none does.
    ///
    /// Frames that the writer takes together count as old as the oldest of them, so that queueing a frame costs no look
    /// at the clock.
    pub fn waiting_since(&self) -> Option<Instant> {
        let state = self.shared.state.lock();
        state.taken_since.or(state.queued_since)
    }

    /// Tells whether a frame was refused since there was no room.
    pub fn overflowed(&self) -> bool {
        self.shared.state.lock().overflowed
    }

    /// Queues the last frame, even into a full queue; later ones are refused. Does nothing the second time.
    pub(crate) fn close_with(&self, frame: Bytes) {
        let mut state = self.shared.state.lock();
        if !mem::replace(&mut state.closed, true) {
            state.append(frame);
        }
    }

    /// Moves all that waits into `batch`, which must be empty, or registers to be woken when there is something.
    pub(crate) fn poll_take(&self, context: &Context<'_>, batch: &mut VecDeque<Bytes>) -> Poll<()> {
        let mut state = self.shared.state.lock();
        state.taken_since = state.queued_since.take();
        if state.frames.is_empty() {
            state.frames = VecDeque::new();
            *batch = VecDeque::new();
            state.register(context, true);
            return Poll::Pending;
        }
        mem::swap(batch, &mut state.frames);
        Poll::Ready(())
    }

    /// Registers to be woken when the queue overflows, but not when a frame is queued.
    pub(crate) fn watch_overflow(&self, context: &Context<'_>) {
        self.shared.state.lock().register(context, false);
    }

    /// Takes note that `bytes` of what was taken were written, the ends of `frames` frames among them.
    pub(crate) fn note_written(&self, bytes: usize, frames: usize) {
        let mut state = self.shared.state.lock();
        state.bytes = state.bytes.saturating_sub(bytes + frames * FRAME_OVERHEAD);
    }
}

impl Default for FrameQueue {
    fn default() -> Self {
        Self::new(DEFAULT_QUEUE_BYTES)
    }
}

impl State {
    fn append(&mut self, frame: Bytes) {
        if frame.is_empty() {
            return; // not a frame: a writer would take it for a closed socket
        }
        self.bytes += frame.len() + FRAME_OVERHEAD;
        self.queued_since.get_or_insert_with(Instant::now);
        self.frames.push_back(frame);
    }

    fn register(&mut self, context: &Context<'_>, idle: bool) {
        self.idle = idle;
        match &mut self.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => self.waker = Some(context.waker().clone()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::{FRAME_OVERHEAD, FrameQueue, PushError};
    use bytes::Bytes;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn frames_come_out_in_order_and_leave_no_memory() {
        let queue = FrameQueue::default();
        let context = Context::from_waker(Waker::noop());
        let mut batch = VecDeque::new();
        queue.push(frame("a")).unwrap();
        queue.push(frame("b")).unwrap();
        assert!(queue.poll_take(&context, &mut batch).is_ready());
        assert_eq!(batch, [frame("a"), frame("b")]);
        assert_eq!(queue.bytes(), 2 + 2 * FRAME_OVERHEAD);

        batch.clear();
        queue.note_written(2, 2);
        assert_eq!(queue.bytes(), 0);
        assert!(queue.poll_take(&context, &mut batch).is_pending());
        assert_eq!(batch.capacity(), 0);
        assert_eq!(queue.shared.state.lock().frames.capacity(), 0);
    }

    #[test]
    fn overflow_is_remembered_even_when_there_is_room_again() {
        let queue = FrameQueue::new(FRAME_OVERHEAD + 3);
        queue.push(frame("abc")).unwrap();
        assert!(!queue.overflowed());
        assert_eq!(queue.push(frame("d")), Err(PushError::Full));
        assert!(queue.overflowed());
        assert!(queue.poll_take(&Context::from_waker(Waker::noop()), &mut VecDeque::new()).is_ready());
        queue.note_written(3, 1);
        assert_eq!(queue.push(frame("d")), Err(PushError::Full));
    }

    #[test]
    fn small_frames_count_more_than_their_size() {
        let queue = FrameQueue::new(10 * (FRAME_OVERHEAD + 1));
        let queued = (0..100).take_while(|_| queue.push(frame("x")).is_ok()).count();
        assert_eq!(queued, 10);
    }

    #[test]
    fn writer_is_woken_once_for_many_frames_and_only_if_it_waits_for_them() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let context = Context::from_waker(&waker);
        let queue = FrameQueue::new(10 * FRAME_OVERHEAD);
        assert!(queue.poll_take(&context, &mut VecDeque::new()).is_pending());
        queue.push(frame("a")).unwrap();
        queue.push(frame("b")).unwrap();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);

        queue.watch_overflow(&context);
        queue.push(frame("c")).unwrap();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        while queue.push(frame("d")).is_ok() {}
        assert_eq!(wakes.0.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn oldest_frame_is_known_until_it_is_written() {
        let queue = FrameQueue::default();
        let context = Context::from_waker(Waker::noop());
        let start = tokio::time::Instant::now();
        let second = std::time::Duration::from_secs(1);
        assert_eq!(queue.waiting_since(), None);
        queue.push(frame("a")).unwrap();
        tokio::time::advance(second).await;
        let mut batch = VecDeque::new();
        assert!(queue.poll_take(&context, &mut batch).is_ready());
        queue.push(frame("b")).unwrap();
        assert_eq!(queue.waiting_since(), Some(start));
        batch.clear();
        assert!(queue.poll_take(&context, &mut batch).is_ready());
        assert_eq!(queue.waiting_since(), Some(start + second));
        batch.clear();
        assert!(queue.poll_take(&context, &mut batch).is_pending());
        assert_eq!(queue.waiting_since(), None);
    }

    #[test]
    fn closed_queue_takes_one_last_frame_even_if_full() {
        let queue = FrameQueue::new(FRAME_OVERHEAD + 1);
        queue.push(frame("a")).unwrap();
        queue.close_with(frame("last"));
        queue.close_with(frame("never"));
        assert_eq!(queue.push(frame("b")), Err(PushError::Closed));
        let mut batch = VecDeque::new();
        assert!(queue.poll_take(&Context::from_waker(Waker::noop()), &mut batch).is_ready());
        assert_eq!(batch, [frame("a"), frame("last")]);
    }
}
