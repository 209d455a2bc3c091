//! The Rust client: the HTTP calls, and connections to `/chat` and `/presence` that look after themselves.
//!
//! [`Http`] makes the calls that need no login. A [`Session`] is a login: it keeps its token fresh and makes all other
//! calls. [`Chat`] and [`PresenceConnection`] are connections of a session: they reconnect, go where the server sends
//! them, catch up on what was missed, and send again what was not answered, so that an application sees each event once
//! and in order, and each of its messages is sent once.
//!
//! What decides all that is the pure `core`: cursors and gaps, the outbox, the waits between attempts. `link` is a
//! socket that comes back, and `chat` and `presence` run the core over it, in one task a connection.

mod calls;
mod chat;
mod clock;
mod core;
mod error;
mod http;
mod link;
mod outlet;
mod presence;
mod random;
mod session;
mod tls;

pub use calls::{Device, Messages, PageOf};
pub use chat::{Body, Chat, ChatEvent, ChatOptions, Destination, Gap, Logged, NewMessage, Sent, Window};
pub use core::{End, Loss, Waits};
pub use error::{Error, Problem};
pub use http::Http;
pub use link::Route;
pub use presence::{PresenceConnection, PresenceEvent, PresenceOptions};
pub use session::{SavedSession, Session, SessionFile};
