//! The reading half of a connection.

use crate::transport::ReadHalf;
use crate::{Decoder, Limits, Message, Violation, encode};
use bytes::{Buf, Bytes};
use protocol::CloseCode;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How much is read at once, in bytes; on the stack of the thread that reads, so that idle connections hold none.
const SCRATCH_BYTES: usize = 16 * 1024;

/// Reads a client's messages.
#[derive(Debug)]
pub struct Reader {
    stream: ReadHalf,
    decoder: Decoder,
    /// What was read together with the last message and comes after it; empty and without memory most of the time.
    unread: Bytes,
    message_timeout: Duration,
    /// When the unfinished message must be whole; boxed, since few connections have one at a time.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whether nothing can come any more: a close frame or an error was given.
    ended: bool,
}

/// Why no message comes any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The client broke the protocol or a limit.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// A message was not whole in time.
    #[error("message took too long")]
    TimedOut,
    /// The client ended the connection without a close frame, or the reader had given its last message before.
    #[error("connection ended")]
    Ended,
    /// The socket failed.
    #[error("cannot read from the socket")]
    Io(#[from] io::Error),
}

impl Reader {
    /// Makes a reader of a fresh connection; `received` came together with the handshake.
    pub(crate) fn new(stream: ReadHalf, received: &[u8], limits: Limits) -> Self {
        Self {
            stream,
            decoder: Decoder::new(limits.max_message_bytes, limits.max_fragments),
            // A copy, since the original is part of the HTTP server's large buffer.
            unread: Bytes::copy_from_slice(received),
            message_timeout: limits.message_timeout,
            deadline: None,
            ended: false,
        }
    }

    /// Waits for the next message or control frame.
    ///
    /// Cancel-safe: what has come of a message stays in the reader. The caller answers pings, and after a close frame
    /// or an error ends the connection by [`Writer::finish`](crate::Writer::finish).
    ///
    /// # Errors
    ///
    /// Why no message comes any more; after it and after a close frame only [`ReadError::Ended`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time and I/O.
    pub async fn next(&mut self) -> Result<Message, ReadError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Gives how much memory is held for what is unfinished or not yet given, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.unread.len()
    }

    /// Tells whether nothing can come any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads and throws away all that comes until the client ends the connection.
    pub(crate) async fn discard(&mut self) {
        poll_fn(|context| {
            loop {
                let mut scratch = [MaybeUninit::uninit(); SCRATCH_BYTES];
                let mut buffer = ReadBuf::uninit(&mut scratch);
                match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                    Ok(()) if !buffer.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, ReadError>> {
        if self.ended {
            return Poll::Ready(Err(ReadError::Ended));
        }
        let result = ready!(self.poll_message(context));
        if self.decoder.is_idle() {
            self.deadline = None;
        }
        self.ended = matches!(result, Err(_) | Ok(Message::Close { .. }));
        Poll::Ready(result)
    }

    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, ReadError>> {
        if let Some(message) = self.decode_unread()? {
            return Poll::Ready(Ok(message));
        }
        loop {
            let mut scratch = [MaybeUninit::uninit(); SCRATCH_BYTES];
            let mut buffer = ReadBuf::uninit(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(result) => result?,
                // Only here, when all that has come is read: a message is late by what its client did not send, never
                // by what the server was slow to read.
                Poll::Pending => return self.poll_deadline(context),
            }
            let mut received = buffer.filled();
            if received.is_empty() {
                return Poll::Ready(Err(ReadError::Ended));
            }
            if let Some(message) = self.decoder.decode(&mut received)? {
                self.unread = Bytes::copy_from_slice(received);
                return Poll::Ready(Ok(message));
            }
        }
    }

    fn decode_unread(&mut self) -> Result<Option<Message>, Violation> {
        if self.unread.is_empty() {
            return Ok(None);
        }
        let mut input = self.unread.as_ref();
        let message = self.decoder.decode(&mut input)?;
        let taken = self.unread.len() - input.len();
        self.unread.advance(taken);
        if self.unread.is_empty() {
            self.unread = Bytes::new(); // gives the memory back
        }
        Ok(message)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Result<Message, ReadError>> {
        if self.decoder.is_idle() {
            return Poll::Pending;
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.message_timeout)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(ReadError::TimedOut))
    }
}

impl ReadError {
    /// Gives the code to close the connection with; `None` if there is no connection left to close.
    pub fn close_code(&self) -> Option<u16> {
        match self {
            Self::Violation(violation) => Some(violation.close_code()),
            Self::TimedOut => Some(CloseCode::Idle.code()),
            Self::Ended | Self::Io(_) => None,
        }
    }

    /// Encodes the close frame to send, with code and reason; `None` if there is no connection left to close.
    pub fn close_frame(&self) -> Option<Bytes> {
        Some(encode::close(self.close_code()?, &self.to_string()))
    }
}
