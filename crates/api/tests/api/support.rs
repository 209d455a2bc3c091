//! A server to test, and a client that checks what it answers against the documents.

mod client;
mod clock;
mod document;
mod fakes;
mod schema;
mod server;
mod shard;

pub(crate) use client::{Reply, Request};
pub(crate) use clock::ManualClock;
pub(crate) use document::asyncapi;
pub(crate) use schema::check;
pub(crate) use server::{PASSWORD, Server, ServerParts, User, name, realm};
pub(crate) use shard::{FakeShard, unused_address};
