//! The crate over real sockets: hyper serves the handshake on loopback, and the client is bytes written by hand.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "test")]

mod attacks;
mod closing;
mod reading;
mod support;
mod transport;
mod writing;
