//! The chat shard: the users' sockets, and the way of a message from one to the others.
//!
//! A frame that comes in goes `serve` (the connection's task) → `append` (the log, then the ack) → `dispatch` (own sockets, in the log's order) and
//! `forward` (one hint a shard) → the other shard's `inbox` → its `dispatch`. Whatever is lost on the way is found by `repair`, which reads the log.

mod append;
mod clients;
mod connection;
mod conversation;
mod dispatch;
mod forward;
mod inbox;
mod joining;
mod marks;
mod metrics;
mod moving;
mod options;
mod repair;
mod resume;
mod route;
mod serve;
mod shard;
mod sweep;
mod upgrade;

pub use options::Options;
pub use shard::{ChatParts, ChatShard, Holdings, StartError};
