//! The registry, its shards and its followers over loopback HTTP.
#![expect(clippy::unwrap_used, reason = "test")]

mod documents;
mod follower;
mod http;
mod load;
mod members;
mod shard;
mod store;
mod world;
