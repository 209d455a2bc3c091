//! What the store promises, tested from outside, on real clusters.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod contract;
mod double_failure;
mod failover;
mod lives;
mod load;
mod network;
mod opening;
mod remembering;
mod resharding;
mod rights;
mod scene;
mod trouble;
