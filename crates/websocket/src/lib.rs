//! The server's end of a WebSocket (RFC 6455): handshake, guarded reading, gathered writing, orderly closing.
//!
//! A connection is two halves and a queue, all used by one task:
//!
//! - [`accept`] answers the handshake; [`Upgrade::complete`] gives the [`Reader`] and the [`Writer`];
//! - [`Reader::next`] gives whole, checked [`Message`]s. What a stranger can make it hold is bounded by [`Limits`],
//!   and what breaks the protocol ends the connection with the right close code;
//! - [`FrameQueue`] takes encoded frames from any thread; [`Writer::pump`] writes what waits there together;
//! - [`Writer::finish`] writes the rest, closes both ways and gives up after a bound.
//!
//! `next` and `pump` may be dropped at any time without losing a byte, so both fit in one `select!`. While nothing
//! happens neither holds a buffer: a connection costs its task, its socket, and a few hundred bytes.
//!
//! A server's frames are not masked, so [`text`] and its siblings encode a frame once, and the same [`bytes::Bytes`]
//! goes to every receiver.

mod decoder;
mod encode;
mod handshake;
mod head;
mod limits;
mod message;
mod queue;
mod reader;
mod transport;
mod violation;
mod writer;

pub use decoder::Decoder;
pub use encode::{binary, close, close_reply, ping, pong, text};
pub use handshake::{HandshakeError, Upgrade, UpgradeError, accept};
pub use limits::Limits;
pub use message::Message;
pub use queue::{DEFAULT_QUEUE_BYTES, FrameQueue, PushError};
pub use reader::{ReadError, Reader};
pub use transport::Transport;
pub use violation::Violation;
pub use writer::{WriteError, Writer};
