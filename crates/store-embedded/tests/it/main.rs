//! What the store promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod contract;
mod crash;
mod forgetting;
mod opening;
mod scene;
mod twins;
