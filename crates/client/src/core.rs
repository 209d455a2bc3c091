//! What decides: no sockets, no clock, no randomness. Times are spans since an arbitrary start.

mod cursors;
mod outbox;
mod recovery;

pub(crate) use cursors::{Cursors, Delivery};
pub(crate) use outbox::Outbox;
pub use recovery::{End, Loss, Waits};
pub(crate) use recovery::{Next, Recovery, Retry};
