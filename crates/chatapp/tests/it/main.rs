//! Whole journeys through the whole program, from outside: HTTP and WebSocket against real listeners.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::disallowed_methods, reason = "tests spawn and look at the clock as they like")]

mod accounts;
mod architecture;
mod chatting;
mod crash;
mod hostile;
mod operators;
mod over_redis;
mod presence;
mod program;
mod resuming;
mod shards;
mod support;
