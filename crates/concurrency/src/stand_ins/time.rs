//! `tokio::time`, in which time does not pass.

use std::convert::Infallible;
use std::time::Duration;

pub(crate) use real_tokio::time::Instant;

use super::step;

/// `tokio::time::sleep`: lets others go on.
pub(crate) async fn sleep(_: Duration) {
    step();
}

/// `tokio::time::timeout`, with all the time in the world.
pub(crate) async fn timeout<F: Future>(_: Duration, future: F) -> Result<F::Output, Infallible> {
    Ok(future.await)
}
