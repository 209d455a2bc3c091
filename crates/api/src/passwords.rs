//! Hashing passwords without letting it take the machine down.
//!
//! A hash costs tens of milliseconds of a core and megabytes of memory, and anybody may ask for one. So only as many
//! run at once as there are cores, a short queue waits, and whoever comes then is told to come back.

use std::sync::Arc;
use std::time::Duration;

use auth::{HashParams, Verdict, hash_password, verify_password};
use ports::{Entropy, Tasks};
use protocol::ErrorCode;
use protocol::account::Secret;
use telemetry::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::{Answer, Failure};
use crate::options::ApiOptions;

/// When whoever found the queue full may come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// Hashes and compares passwords.
pub(crate) struct Passwords {
    params: HashParams,
    entropy: Arc<dyn Entropy>,
    tasks: Tasks,
    /// A place for each that waits or runs.
    places: Arc<Semaphore>,
    /// A permit for each that runs.
    cores: Arc<Semaphore>,
    waiting: IntGauge,
}

impl Passwords {
    /// Makes the pool; `waiting` shows how many wait or run.
    pub(crate) fn new(
        options: &ApiOptions,
        entropy: Arc<dyn Entropy>,
        tasks: Tasks,
        waiting: IntGauge,
    ) -> Self {
        let cores = options.hashing_cores.max(1);
        let places =
            cores.saturating_mul(options.hashing_queue.saturating_add(1)).min(Semaphore::MAX_PERMITS);
        Self {
            params: options.hashing,
            entropy,
            tasks,
            places: Arc::new(Semaphore::new(places)),
            cores: Arc::new(Semaphore::new(cores)),
            waiting,
        }
    }

    /// Hashes a password.
    pub(crate) async fn hash(&self, password: Secret) -> Answer<String> {
        let (params, salt) = (self.params, self.entropy.bytes());
        let hashed = self.run(move || hash_password(password.expose(), &salt, params)).await?;
        hashed.map_err(|error| {
            tracing::error!(%error, "a password was not hashed");
            Failure::new(ErrorCode::Internal)
        })
    }

    /// Compares a password with a stored hash; without one, takes as long and finds it wrong.
    pub(crate) async fn verify(&self, password: Secret, stored: Option<String>) -> Answer<Verdict> {
        let params = self.params;
        let stored = stored.unwrap_or_else(|| params.dummy());
        self.run(move || verify_password(password.expose(), &stored, params)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let busy = || Failure::retry(ErrorCode::Unavailable, COME_BACK);
        let place = Place::take(&self.places, &self.waiting).ok_or_else(busy)?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| busy())?;
        // The permits go with the work: it runs to its end even if the client has gone.
        let done = self.tasks.spawn_blocking(move || {
            let _held = (core, place);
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "hashing a password panicked");
            Failure::new(ErrorCode::Internal)
        })
    }
}

/// A place in the queue, counted while it is held.
struct Place {
    _permit: OwnedSemaphorePermit,
    waiting: IntGauge,
}

impl Place {
    fn take(places: &Arc<Semaphore>, waiting: &IntGauge) -> Option<Self> {
        let permit = places.clone().try_acquire_owned().ok()?;
        waiting.inc();
        Some(Self { _permit: permit, waiting: waiting.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.dec();
    }
}
