//! What is invariant about plans, over any shards and loads.
#![expect(clippy::unwrap_used, reason = "test")]

mod bounds;
mod movement;
mod scenario;
