//! Stopping a request after some of its writes, as a crash would, for tests.

use std::cell::Cell;

use ports::{Error, Result};

/// What a stopped request fails with.
pub(crate) const STOPPED: &str = "stopped by a test";

tokio::task_local! {
    /// How many writes the task may still make.
    static LEFT: Cell<usize>;
}

/// Runs a request that may make so many writes.
pub(crate) async fn after<T>(writes: usize, request: impl Future<Output = T>) -> T {
    LEFT.scope(Cell::new(writes), request).await
}

/// Counts a write, and fails where there may be no more.
pub(super) fn check() -> Result<()> {
    let left = LEFT.try_with(|left| left.replace(left.get().saturating_sub(1)));
    match left {
        Ok(0) => Err(Error::Unavailable(STOPPED.to_owned())),
        _ => Ok(()),
    }
}
