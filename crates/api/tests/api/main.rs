//! The role over real connections, on the store in memory. Every answer is checked against the OpenAPI document.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::large_futures,
    reason = "tests may panic, and spawn what they need"
)]

mod account;
mod announcements;
mod authorization;
mod bad_input;
mod contacts;
mod conversations;
mod devices;
mod documents;
mod history;
mod idempotency;
mod keys;
mod limits;
mod listing;
mod members;
mod notes;
mod search;
mod sockets;
mod support;
mod throttle;
mod tokens;
