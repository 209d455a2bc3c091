//! What all parts of the store work with.

use std::sync::Arc;
use std::time::Duration;

use ports::{Clock, Entropy, Tasks};
use tokio_util::sync::CancellationToken;

use crate::keys::Keys;
use crate::link::Link;

/// What all parts of the store, and their tasks, work with. Clones are the same.
#[derive(Clone)]
pub(crate) struct Context {
    /// The way to the cluster.
    pub(crate) link: Link,
    /// Where everything is.
    pub(crate) keys: Keys,
    /// How long a call is tried.
    pub(crate) deadline: Duration,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Where tasks run; those of the store end when `stop` is cancelled.
    pub(crate) tasks: Tasks,
    /// Is cancelled when the store is closed.
    pub(crate) stop: CancellationToken,
}
