//! What travels between clients and servers, and the words that every crate shares: names, identifiers, times,
//! frames, error codes. Pure data: no I/O, no clock, no randomness.

pub mod account;
pub mod chat;
pub mod close;
pub mod conversation;
mod error_code;
mod event;
pub mod hint;
mod id;
mod limits;
mod name;
pub mod parse;
pub mod presence;
mod service;
mod timestamp;

pub use close::CloseCode;
pub use error_code::ErrorCode;
pub use event::{Event, EventBody, EventKind, Position};
pub use id::{ClientId, ConversationId, InvalidId, LoginId};
pub use limits::{
    MAX_CONTENT_DEPTH, MAX_FRAME_BYTES, MAX_GROUP_MEMBERS, MAX_PAGE, MAX_TEXT_BYTES, MAX_TITLE_CHARS,
};
pub use name::{InvalidName, Shard, Username};
pub use service::Service;
pub use timestamp::{InvalidTimestamp, Timestamp};
