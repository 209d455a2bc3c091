//! The wall clock, read in one place.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;

/// Gives the wall clock's time.
#[expect(clippy::disallowed_methods, reason = "a client has no other clock than its machine's")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
