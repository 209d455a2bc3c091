//! A socket whose client takes as many bytes as a check lets through.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use real_tokio::io::AsyncWrite;

use crate::sync::Notify;
use crate::{Condvar, Mutex};

/// What is between a server and its client.
#[derive(Debug)]
pub(crate) struct Wire {
    state: Mutex<State>,
    arrived: Condvar,
    /// The client has closed the connection.
    closed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many more bytes the socket takes.
    room: usize,
    received: Vec<u8>,
    waker: Option<Waker>,
}

/// The half that is written.
#[derive(Debug)]
pub(crate) struct WriteHalf(pub(crate) Arc<Wire>);

/// The half that is read: the client says nothing, and closes at some time.
#[derive(Debug)]
pub(crate) struct Reader {
    wire: Arc<Wire>,
    ended: bool,
}

impl Wire {
    /// Makes a connection on which nothing gets through yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), arrived: Condvar::new(), closed: Notify::new() })
    }

    /// Lets so many more bytes through.
    pub(crate) fn let_through(&self, bytes: usize) {
        let mut state = self.state.lock();
        state.room += bytes;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until what has come through is enough.
    pub(crate) fn wait_until(&self, enough: impl Fn(&[u8]) -> bool) {
        let mut state = self.state.lock();
        while !enough(&state.received) {
            self.arrived.wait(&mut state);
        }
    }

    /// Closes the connection at the client's end.
    pub(crate) fn close(&self) {
        self.closed.notify_one();
    }

    /// Gives what has come through.
    pub(crate) fn received(&self) -> Vec<u8> {
        self.state.lock().received.clone()
    }
}

impl WriteHalf {
    pub(crate) fn forget_unsent(&self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.state.lock();
        if state.room == 0 {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let before = state.received.len();
        for slice in slices {
            let taken = slice.len().min(state.room);
            state.received.extend_from_slice(&slice[..taken]);
            state.room -= taken;
        }
        self.0.arrived.notify_one();
        Poll::Ready(Ok(state.received.len() - before))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Reader {
    pub(crate) fn new(wire: &Arc<Wire>) -> Self {
        Self { wire: wire.clone(), ended: false }
    }

    pub(crate) async fn next(&mut self) {
        self.wire.closed.notified().await;
        self.ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) async fn discard(&mut self) {}
}
