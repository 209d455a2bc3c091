//! What a chat connection is, without sockets, stores or clocks: three small state machines.
//!
//! [`Session`] turns a client's frames into things to do. [`Sequencer`] puts a conversation's events, which arrive in any order, into
//! the log's order, once for all connections of a shard. [`Gate`] decides for one connection whether a live event may pass, so that what
//! `resume` reads from the log and what arrives meanwhile come out once and in order.

mod gate;
mod limiter;
mod sequencer;
mod session;

pub use gate::{Gate, Passage};
pub use limiter::{Limiter, Rate};
pub use sequencer::{Offer, Sequencer};
pub use session::{Effect, Limits, Session, Tick};
