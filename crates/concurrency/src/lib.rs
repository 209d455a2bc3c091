//! What is concurrent inside one process, tried in thousands of schedules.
//!
//! A check lets a few threads loose on one shared object and says what must hold at the end, or all the time. [Shuttle](shuttle) runs them
//! one at a time and decides at every lock and at every step of a channel who goes on; a wake-up that is lost or two locks that are taken
//! crosswise end as a deadlock, which fails. A schedule that fails is printed and can be replayed.
//!
//! The files under test are those that ship, compiled once more, and nothing in them is made for this. Here `parking_lot` and `tokio` are
//! names for this crate, which gives them Shuttle's locks ([`stand_ins`]). Of tokio each call is one step: what happens inside of it is
//! checked where it is made.

// The files under test bring unit tests of their own, which want real locks.
#![cfg(not(test))]
#![expect(dead_code, unreachable_pub, reason = "of the files under test only a part is called")]
#![expect(clippy::unwrap_used, reason = "a check may panic")]

// What the files under test call `parking_lot`, `tokio` and `websocket`.
extern crate self as parking_lot;
extern crate self as tokio;
extern crate self as websocket;
extern crate tokio as real_tokio;
extern crate websocket as real_websocket;

pub mod checks;
mod explore;
mod stand_ins;

pub(crate) use real_tokio::{io, select};
pub(crate) use stand_ins::locks::{Condvar, Mutex, RwLock};
pub(crate) use stand_ins::{sync, time};

// The files under test, and what they call each other.
#[path = "../../websocket/src/queue.rs"]
mod queue;
#[path = "../../websocket/src/writer.rs"]
mod writer;
use real_websocket as encode;
use stand_ins::wire as transport;
pub(crate) use {queue::FrameQueue, real_websocket::text, stand_ins::wire::Reader};

#[path = "../../registry/src/feed.rs"]
mod feed;
#[path = "../../registry/src/load_sink.rs"]
mod load_sink;
#[path = "../../registry/src/loads.rs"]
mod loads;
#[path = "../../registry/src/report.rs"]
mod report;

#[path = "../../chat/src/clients.rs"]
mod clients;
#[path = "../../chat/src/connection.rs"]
mod connection;
#[path = "../../chat/src/conversation.rs"]
mod conversation;
#[path = "../../chat/src/metrics.rs"]
mod metrics;

#[path = "../../store-embedded/src/inbox.rs"]
mod inbox;

/// What the store's inboxes are part of.
#[derive(Default)]
struct EmbeddedStore {
    inboxes: inbox::Inboxes,
}
