//! Whether users are there, as others see it.
//!
//! A pure core: sessions and choices go in with the time, and out come the changes that others see. There is no I/O,
//! no clock and no randomness here.
//!
//! These hold whatever goes in:
//!
//! - nobody is shown as there without a session, a running grace, another shard's word, or a successor's patience;
//! - a change always differs from what was shown before;
//! - a reconnect within the grace changes nothing;
//! - who is invisible is shown like somebody who is not there, and nothing they do shows.
//!
//! A chosen status and its text hold for as long as the user is there, graces included.

mod availability;
mod moment;
mod user;

pub use availability::Availability;
pub use moment::{Moment, Timings};
pub use user::{Departure, SessionId};
