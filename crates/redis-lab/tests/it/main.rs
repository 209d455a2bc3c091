//! Each thing that a lab does to a cluster really happens.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod client;
mod failures;
mod life;
mod network;
mod slots;
mod ways_in;
