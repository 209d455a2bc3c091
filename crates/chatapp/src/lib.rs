//! ChatApp as a library: what `main` is made of, and what end-to-end tests start.

mod backend;
mod base;
pub mod cli;
pub mod cluster;
pub mod configuration;
pub mod lifecycle;
mod listener;
mod notes;
mod parts;
pub mod roles;
mod shard;
mod sockets;
mod tables;
