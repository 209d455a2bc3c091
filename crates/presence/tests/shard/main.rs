//! Presence shards over real sockets, with one store in memory between them.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test")]

mod client;
mod cluster;
mod crossing;
mod ending;
mod handshake;
mod inbox;
mod limits;
mod moving;
mod privacy;
