//! One connection from the upgrade to the end.

use std::io;
use std::sync::Arc;

use availability::{Departure, Moment};
use bytes::Bytes;
use identity::Identity;
use protocol::chat::{ReconnectReason, Welcome};
use protocol::presence::ServerFrame;
use protocol::{CloseCode, MAX_FRAME_BYTES};
use tokio::time::timeout;
use websocket::{Message, ReadError, Reader, Upgrade, WriteError, Writer};

use crate::away;
use crate::hub::{Hub, milliseconds};
use crate::pace::{Pace, TooFast};
use crate::requests;
use crate::socket::Socket;

/// How a connection ends.
struct Ending {
    /// The close frame to send, if there is a connection left to close.
    close: Option<Bytes>,
    departure: Departure,
}

/// A connection that is open.
struct Connection {
    hub: Arc<Hub>,
    socket: Arc<Socket>,
    reader: Reader,
    writer: Writer,
    pace: Pace,
    /// When something last came.
    heard: Moment,
    /// When the next ping is due, in milliseconds.
    ping_at: u64,
}

impl Ending {
    fn new(code: CloseCode, departure: Departure) -> Self {
        Self { close: Some(websocket::close(code.code(), reason(code))), departure }
    }

    fn closed(close: Option<Bytes>) -> Self {
        Self { close, departure: Departure::Closed }
    }
}

/// Serves a connection until its end.
pub(crate) async fn run(hub: Arc<Hub>, identity: Identity, upgrade: Upgrade) {
    let upgraded = timeout(hub.options.handshake, upgrade.complete(hub.options.websocket)).await;
    let Ok(Ok((reader, writer))) = upgraded else { return };
    let now = hub.now();
    let connection = Connection {
        socket: hub.socket(identity),
        reader,
        writer,
        pace: Pace::new(hub.options.frames),
        heard: now,
        ping_at: now.elapsed + milliseconds(hub.options.heartbeat),
        hub,
    };
    connection.run().await;
}

impl Connection {
    async fn run(mut self) {
        self.welcome();
        let ending = match self.hub.join(&self.socket).await {
            Ok(()) => {
                self.guide();
                self.converse().await
            }
            Err(code) => Ending::new(code, Departure::Closed),
        };
        self.hub.update(|state, now| state.leave(&self.socket, ending.departure, now));
        let Self { hub, socket, mut reader, mut writer, .. } = self;
        if let Some(close) = ending.close {
            // Well closed or not, the connection is over.
            let _ = writer.finish(&mut reader, &socket.queue, close, hub.options.handshake).await;
        }
    }

    fn welcome(&self) {
        self.socket.send(&ServerFrame::Welcome(Welcome {
            session: self.socket.login,
            user: self.socket.user.clone(),
            shard: self.hub.shard.clone(),
            epoch: self.hub.ownership().epoch(),
            heartbeat_seconds: self.hub.options.heartbeat.as_secs().max(1),
            max_frame_bytes: self.hub.options.websocket.max_message_bytes.min(MAX_FRAME_BYTES),
        }));
    }

    /// Sends a user who belongs elsewhere there, after a while: it may be our table that is behind.
    fn guide(&self) {
        if self.hub.ownership().owns(&self.socket.user) {
            return;
        }
        let (hub, socket) = (self.hub.clone(), self.socket.clone());
        self.hub.spawn(async move {
            let window = hub.options.move_window;
            let wait = hub.entropy.below(milliseconds(window));
            hub.sleep_until(Some(hub.now().elapsed + wait)).await;
            away::send(hub.clone(), vec![socket], window, ReconnectReason::Moved).await;
        });
    }

    /// Takes and gives frames until there is a reason to end.
    async fn converse(&mut self) -> Ending {
        loop {
            let next_check = self.ping_at.min(self.dead_at());
            tokio::select! {
                biased;
                () = self.hub.stop.cancelled() => return Ending::new(CloseCode::GoingAway, Departure::Closed),
                (code, departure) = self.socket.ended() => return Ending::new(code, departure),
                Err(error) = self.writer.pump(&self.socket.queue) => {
                    let departure = match &error {
                        WriteError::Io(error) => self.departure(error),
                        _ => Departure::Closed,
                    };
                    if matches!(error, WriteError::Overflow) {
                        self.hub.metrics.queue_overflows.inc();
                    }
                    return Ending { close: error.close_frame(), departure };
                }
                () = self.hub.sleep_until(Some(next_check)) => {
                    if let Some(ending) = self.check() {
                        return ending;
                    }
                }
                // Last, so that whoever sends without a pause is pinged and written to all the same.
                message = self.reader.next() => {
                    if let Some(ending) = self.take(message) {
                        return ending;
                    }
                }
            }
        }
    }

    fn take(&mut self, message: Result<Message, ReadError>) -> Option<Ending> {
        if let Err(ReadError::Io(error)) = &message {
            return Some(Ending { close: None, departure: self.departure(error) });
        }
        self.heard = self.hub.now();
        let taken = match message {
            Ok(Message::Text(text)) => requests::take(&self.hub, &self.socket, &mut self.pace, &text),
            Ok(Message::Binary(_)) => Err(CloseCode::Malformed),
            Ok(Message::Ping(payload)) => {
                self.socket.push(websocket::pong(&payload));
                self.count_control()
            }
            Ok(Message::Pong(_)) => self.count_control(),
            Ok(Message::Close { code, .. }) => {
                return Some(Ending::closed(Some(websocket::close_reply(code))));
            }
            Err(error) => return Some(Ending::closed(error.close_frame())),
        };
        taken.err().map(|code| Ending::new(code, Departure::Closed))
    }

    /// Tells a connection that the peer ended from one whose peer is out of reach, and has had its grace for a while.
    fn departure(&self, error: &io::Error) -> Departure {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Departure::Silent { last_heard: self.heard.wall }
            }
            _ => Departure::Closed,
        }
    }

    /// Counts a ping or a pong, which no client needs to send often.
    fn count_control(&mut self) -> Result<(), CloseCode> {
        match self.pace.take(1, self.heard.elapsed) {
            Err(TooFast::Abuse) => Err(CloseCode::TooFast),
            Ok(()) | Err(TooFast::Wait(_)) => Ok(()),
        }
    }

    /// Pings if that is due, and ends a connection that has been silent for too long.
    fn check(&mut self) -> Option<Ending> {
        let now = self.hub.now().elapsed;
        if now >= self.dead_at() {
            self.hub.metrics.silent_deaths.inc();
            let departure = Departure::Silent { last_heard: self.heard.wall };
            return Some(Ending::new(CloseCode::Idle, departure));
        }
        if now >= self.ping_at {
            self.socket.push(websocket::ping(b""));
            self.ping_at = now + milliseconds(self.hub.options.heartbeat);
        }
        None
    }

    fn dead_at(&self) -> u64 {
        let silence = self.hub.options.heartbeat + self.hub.options.answer_time;
        self.heard.elapsed + milliseconds(silence)
    }
}

/// Gives the words for a close code.
fn reason(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Normal => "closed",
        CloseCode::GoingAway | CloseCode::Restart => "the server stops",
        CloseCode::Internal => "the server failed",
        CloseCode::TryAgainLater => "try again later",
        CloseCode::Malformed => "not a frame of this protocol",
        CloseCode::Unauthenticated => "the login has ended",
        CloseCode::Forbidden => "not allowed",
        CloseCode::Idle => "silent for too long",
        CloseCode::Replaced => "too many connections of this user",
        CloseCode::TooLarge => "the frame is too large",
        CloseCode::TooFast => "too many frames",
        CloseCode::Draining => "the shard drains",
    }
}
