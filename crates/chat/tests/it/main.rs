//! The chat shard when hints are lost, repeated, late and out of order: the log is the truth, and everybody learns it.
#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::disallowed_methods, reason = "tests spawn as they like")]

mod hints;
mod support;
