//! The client against a scripted server on loopback: each test says what the server sees and answers.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test")]

mod catching_up;
mod outbox;
mod presence;
mod reconnecting;
mod server;
mod session;
