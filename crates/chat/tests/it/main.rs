//! Chat shards over real sockets, with one store in memory between them, and everything that can go wrong.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::disallowed_methods, reason = "tests spawn as they like")]
#![expect(clippy::print_stdout, reason = "the seed of a test that fails")]

mod doubt;
mod draining;
mod generations;
mod hints;
mod limits;
mod logins;
mod marks;
mod memory;
mod moving;
mod privacy;
mod resuming;
mod short_way;
mod support;
