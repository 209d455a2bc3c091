//! An open socket: reading and writing at once, and noticing that the other side is gone.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use protocol::CloseCode;
use protocol::chat::{ServerFrame, Welcome};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::core::Loss;

/// A connection to a server of this project.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A close handshake may take this long.
const CLOSED_WITHIN: Duration = Duration::from_secs(3);

/// The close code of a connection that ended without one (RFC 6455, section 7.4.1).
const NO_CLOSE_FRAME: u16 = 1006;

/// An open socket after its `welcome`.
pub(super) struct Live {
    socket: Socket,
    /// What is to be written; it is taken only as fast as the server reads.
    queue: VecDeque<Utf8Bytes>,
    /// Whether something was handed to the socket that may not have left yet.
    unflushed: bool,
    opened: Instant,
    heard: Instant,
    heartbeat: Duration,
    /// Whether a ping was sent since something was heard.
    pinged: bool,
    /// When to look whether the server is silent.
    watch: Pin<Box<Sleep>>,
}

impl Live {
    /// Waits for the `welcome`.
    pub(super) async fn greet(mut socket: Socket) -> Result<(Self, Welcome), Loss> {
        let welcome = loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(ServerFrame::Welcome(welcome)) => break welcome,
                    _ => return Err(Loss::Unreachable("the first frame was not a welcome".to_owned())),
                },
                Some(Ok(Message::Close(frame))) => return Err(closed(frame.as_ref())),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(&error)),
                None => return Err(Loss::Closed(NO_CLOSE_FRAME)),
            }
        };
        let heartbeat = Duration::from_secs(welcome.heartbeat_seconds.clamp(1, 3600));
        let now = Instant::now();
        let live = Self {
            socket,
            queue: VecDeque::new(),
            unflushed: false,
            opened: now,
            heard: now,
            heartbeat,
            pinged: false,
            watch: Box::pin(sleep(heartbeat)),
        };
        Ok((live, welcome))
    }

    /// Gives how long the socket has been open.
    pub(super) fn lasted(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Queues a frame.
    pub(super) fn queue(&mut self, frame: Utf8Bytes) {
        self.queue.push_back(frame);
    }

    /// Gives how many frames wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Closes the socket without waiting for anything.
    pub(super) fn leave(mut self) {
        let _ = self.socket.send(goodbye()).now_or_never();
    }

    /// Closes the socket and waits for the server to agree.
    pub(super) async fn close(mut self) {
        let closing = async {
            // What was queued was promised to the application.
            for frame in std::mem::take(&mut self.queue) {
                self.socket.feed(Message::Text(frame)).await?;
            }
            self.socket.send(goodbye()).await?;
            while let Some(Ok(_)) = self.socket.next().await {}
            Ok::<(), SocketError>(())
        };
        // A server that is gone need not agree.
        let _ = tokio::time::timeout(CLOSED_WITHIN, closing).await;
    }

    /// Writes what is queued, as far as the server reads, and gives the next frame that comes.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Loss>> {
        let written = self.poll_write(context);
        loop {
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => {
                    self.heard = Instant::now();
                    self.pinged = false;
                    match message {
                        Message::Text(text) => return Poll::Ready(Ok(text)),
                        Message::Close(frame) => {
                            // The library has queued the answer; whether it leaves changes nothing here.
                            let _ = Pin::new(&mut self.socket).poll_flush(context);
                            return Poll::Ready(Err(closed(frame.as_ref())));
                        }
                        _ => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(broken(&error))),
                Poll::Ready(None) => return Poll::Ready(Err(Loss::Closed(NO_CLOSE_FRAME))),
                Poll::Pending => break,
            }
        }
        // Not before: a server that reads no more may have said why.
        written.map_err(|error| broken(&error))?;
        self.poll_silence(context)
    }

    /// Writes what can be written without waiting.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), SocketError> {
        let mut socket = Pin::new(&mut self.socket);
        while !self.queue.is_empty() && socket.as_mut().poll_ready(context)?.is_ready() {
            if let Some(frame) = self.queue.pop_front() {
                socket.as_mut().start_send(Message::Text(frame))?;
                self.unflushed = true;
            }
        }
        if self.unflushed && socket.poll_flush(context)?.is_ready() {
            self.unflushed = false;
        }
        Ok(())
    }

    /// Pings a silent server, and gives up on one that does not answer.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Loss>> {
        loop {
            ready!(self.watch.as_mut().poll(context));
            let silence = self.heard.elapsed();
            if silence >= self.heartbeat * 2 {
                return Poll::Ready(Err(Loss::Silent));
            }
            if silence >= self.heartbeat && !self.pinged {
                self.pinged = true;
                self.queue(Utf8Bytes::from_static(r#"{"type":"ping"}"#));
                self.poll_write(context).map_err(|error| broken(&error))?;
            }
            let patience = if self.pinged { self.heartbeat * 2 } else { self.heartbeat };
            self.watch.as_mut().reset(self.heard + patience);
        }
    }
}

fn goodbye() -> Message {
    Message::Close(Some(CloseFrame { code: CloseCode::Normal.code().into(), reason: Utf8Bytes::default() }))
}

fn closed(frame: Option<&CloseFrame>) -> Loss {
    Loss::Closed(frame.map_or(NO_CLOSE_FRAME, |frame| frame.code.into()))
}

fn broken(error: &SocketError) -> Loss {
    match error {
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => Loss::Closed(NO_CLOSE_FRAME),
        error => Loss::Unreachable(error.to_string()),
    }
}
