//! The presence shard: who is there, told to those who may see it.
//!
//! A [`PresenceShard`] serves `/presence` for the users that the placement table gives it. What follows from sessions
//! and choices is decided by the pure crate `availability`; here are the sockets, the store and the other shards around
//! it. One state under one lock knows who is connected (`roster`), who is watched by whom (`watchlist`) and what is yet
//! to be told; small loops carry it out: records into the store, hints to other shards, hints from the inbox.
//!
//! A lost hint costs latency only: a sweep reads the records of the watched and the lists of contacts again.

mod authenticator;
mod away;
mod connection;
mod hub;
mod loops;
mod metrics;
mod options;
mod ownership;
mod pace;
mod requests;
mod roster;
mod shard;
mod socket;
mod state;
mod upgrade;
mod watchlist;

pub use authenticator::Authenticator;
pub use metrics::PresenceMetrics;
pub use options::PresenceOptions;
pub use shard::{PresenceParts, PresenceShard};
