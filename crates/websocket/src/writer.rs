//! The writing half of a connection.

use crate::transport::WriteHalf;
use crate::{FrameQueue, Reader, encode};
use bytes::{Buf, Bytes};
use protocol::CloseCode;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The most frames in one write.
const MAX_SLICES: usize = 64;
/// From how much on nothing more is added to one write, in bytes, so that a connection with much to send lets others in.
const ENOUGH_BYTES: usize = 64 * 1024;

/// Writes the frames of a connection's queue.
#[derive(Debug)]
pub struct Writer {
    stream: WriteHalf,
    /// What was taken from the queue and is not written; of the first frame only the rest.
    batch: VecDeque<Bytes>,
}

/// Why nothing is written any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The client reads too slowly: a frame found no room in the queue.
    #[error("client reads too slowly")]
    Overflow,
    /// The socket failed.
    #[error("cannot write to the socket")]
    Io(#[from] io::Error),
}

impl Writer {
    pub(crate) fn new(stream: WriteHalf) -> Self {
        Self { stream, batch: VecDeque::new() }
    }

    /// Writes what is queued, as many frames at once as the socket takes, and waits for more, for ever.
    ///
    /// Cancel-safe: what was taken from the queue stays in the writer. A connection has one queue.
    ///
    /// # Errors
    ///
    /// The socket failed, or the queue overflowed; the latter is told at once, even while the socket takes nothing.
    pub async fn pump(&mut self, queue: &FrameQueue) -> Result<Infallible, WriteError> {
        poll_fn(|context| self.poll_pump(context, queue)).await
    }

    /// Closes the connection: writes what is queued and `close`, waits for the client's close frame, ends the
    /// connection and waits for its end; all within `bound`.
    ///
    /// The queue refuses further frames. If the client has closed already, or broke the protocol, its close frame is not
    /// waited for. What it sends meanwhile is read and dropped, since unread data would make the kernel reset the
    /// connection and lose what was sent last. The halves are of no use afterwards and should be dropped.
    ///
    /// # Errors
    ///
    /// The socket failed, or `bound` passed ([`io::ErrorKind::TimedOut`]); what could not be written then is dropped, in
    /// the kernel too.
    pub async fn finish(
        &mut self,
        reader: &mut Reader,
        queue: &FrameQueue,
        close: Bytes,
        bound: Duration,
    ) -> io::Result<()> {
        queue.close_with(close);
        // Boxed: it is used once, at the end, and would make every connection's task larger.
        let finished = Box::pin(timeout(bound, self.close_both_ways(reader, queue))).await;
        finished.unwrap_or_else(|_| {
            if !self.batch.is_empty() {
                self.stream.forget_unsent()?;
            }
            Err(io::ErrorKind::TimedOut.into())
        })
    }

    async fn close_both_ways(&mut self, reader: &mut Reader, queue: &FrameQueue) -> io::Result<()> {
        let mut flushed = false;
        while !flushed || !reader.has_ended() {
            // Reading on while writing: the client may not read before its own writes get through. Writing comes first, so that a
            // client that never stops sending does not keep its close frame from leaving.
            tokio::select! {
                biased;
                result = poll_fn(|context| self.poll_drain(context, queue)), if !flushed => {
                    result?;
                    flushed = true;
                }
                _ = reader.next(), if !reader.has_ended() => {}
            }
        }
        self.stream.shutdown().await?;
        reader.discard().await;
        Ok(())
    }

    fn poll_pump(
        &mut self,
        context: &mut Context<'_>,
        queue: &FrameQueue,
    ) -> Poll<Result<Infallible, WriteError>> {
        if self.poll_drain(context, queue)?.is_pending() {
            queue.watch_overflow(context);
        }
        // After registering, so that an overflow is either seen here or wakes the task.
        if queue.overflowed() { Poll::Ready(Err(WriteError::Overflow)) } else { Poll::Pending }
    }

    /// Writes until nothing is queued, and is then registered to be woken for more.
    fn poll_drain(&mut self, context: &mut Context<'_>, queue: &FrameQueue) -> Poll<io::Result<()>> {
        loop {
            if self.batch.is_empty() && queue.poll_take(context, &mut self.batch).is_pending() {
                return Poll::Ready(Ok(()));
            }
            let written = std::task::ready!(self.poll_write_batch(context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let frames = remove_written(&mut self.batch, written);
            queue.note_written(written, frames);
        }
    }

    fn poll_write_batch(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        let mut bytes = 0;
        for (slice, frame) in slices.iter_mut().zip(&self.batch) {
            *slice = IoSlice::new(frame);
            count += 1;
            bytes += frame.len();
            if bytes >= ENOUGH_BYTES {
                break;
            }
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, &slices[..count])
    }
}

/// Removes the first `written` bytes, and gives how many frames they ended.
fn remove_written(batch: &mut VecDeque<Bytes>, mut written: usize) -> usize {
    let mut frames = 0;
    while let Some(first) = batch.front_mut() {
        if written < first.len() {
            first.advance(written);
            break;
        }
        written -= first.len();
        frames += 1;
        batch.pop_front();
    }
    frames
}

impl WriteError {
    /// Encodes the close frame to send, with code and reason; `None` if there is no connection left to close.
    pub fn close_frame(&self) -> Option<Bytes> {
        match self {
            Self::Overflow => Some(encode::close(CloseCode::TryAgainLater.code(), &self.to_string())),
            Self::Io(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::remove_written;
    use bytes::Bytes;
    use std::collections::VecDeque;

    #[test]
    fn partial_writes_leave_the_rest() {
        let frames = || VecDeque::from([Bytes::from_static(b"abc"), Bytes::from_static(b"de")]);
        for (written, ended, rest) in [(1, 0, "bcde"), (3, 1, "de"), (4, 1, "e"), (5, 2, "")] {
            let mut batch = frames();
            assert_eq!(remove_written(&mut batch, written), ended);
            assert_eq!(Vec::from(batch).concat(), rest.as_bytes());
        }
    }
}
