//! The edge as a client and an operator see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod access_log;
mod operator;
mod requests;
mod server;
mod support;
