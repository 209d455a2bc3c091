//! What all roles of a process are built on: made once, and handed down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use axum::Router;
use http_edge::TcpDial;
use ports::{Clock, Dial, Entropy, SystemClock, SystemEntropy};
use telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::parts;

/// What all roles of a process are built on.
pub(crate) struct Base {
    pub(crate) configuration: Configuration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) dial: Arc<dyn Dial>,
    pub(crate) backend: Backend,
    pub(crate) metrics: Metrics,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Base {
    /// Opens the store, and starts nothing.
    pub(crate) async fn open(configuration: Configuration) -> Result<Self> {
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let metrics = Metrics::new();
        metrics.add_process()?;
        Ok(Self {
            backend: Backend::open(&configuration, &clock, &entropy).await?,
            configuration,
            clock,
            entropy,
            dial: Arc::new(TcpDial),
            metrics,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Serves a router until the program stops.
    pub(crate) fn serve(&self, listener: TcpListener, router: Router) {
        let limits = parts::server_limits(&self.configuration);
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        self.tracker.spawn(http_edge::serve(listener, router, limits, stop, tracker));
    }

    /// Makes the routes of the operators' port. Ready means: started, not draining, and the store takes writes.
    pub(crate) fn operators(&self, ready: &Arc<AtomicBool>) -> Router {
        let (metrics, backend, ready) = (self.metrics.clone(), self.backend.clone(), ready.clone());
        http_edge::operator_router(
            move |accept| metrics.answer(accept),
            move || {
                if !ready.load(Ordering::Acquire) {
                    return Err("starting or draining".to_owned());
                }
                if backend.is_writable() { Ok(()) } else { Err("the store takes no writes".to_owned()) }
            },
        )
    }

    /// Stops all that runs, and closes the store; what was taken is durable when it returns.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.backend.close().await;
    }
}
