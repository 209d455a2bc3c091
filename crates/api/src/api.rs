//! The role as a whole: what it is made from, and the router that it becomes.

use std::sync::Arc;

use identity::Authenticator;
use placement::Table;
use ports::{Clock, Dial, Entropy, Inbox, Log, PushSender, Store, Tasks};
use telemetry::MetricsError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::announcer::Announcer;
use crate::carrier::Carrier;
use crate::guesses::Guesses;
use crate::handlers::notify::Notifier;
use crate::idempotency::Repeats;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::options::ApiOptions;
use crate::passwords::Passwords;
use crate::routes;

/// What the role is made from.
pub struct ApiParts {
    /// Everything that lasts, but the logs.
    pub store: Arc<dyn Store>,
    /// The conversations' logs.
    pub log: Arc<dyn Log>,
    /// How shards are told of changes.
    pub inbox: Arc<dyn Inbox>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who serves whom.
    pub tables: watch::Receiver<Arc<Table>>,
    /// The signing keys; somebody else runs [`Keys::run`].
    pub keys: Arc<Keys>,
    /// The push channels on offer.
    pub channels: Vec<Arc<dyn PushSender>>,
    /// Who takes the notes of `POST /notify`.
    pub notifier: Arc<dyn Notifier>,
    /// How the shards are reached to which sockets are carried.
    pub dial: Arc<dyn Dial>,
    /// Where its figures go.
    pub metrics: telemetry::Metrics,
    /// What the operator has set.
    pub options: ApiOptions,
    /// Where tasks that outlive a request are spawned.
    pub tasks: Tasks,
    /// When the carried sockets are to be let go.
    pub stop: CancellationToken,
}

/// The HTTP role.
pub struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) tables: watch::Receiver<Arc<Table>>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) channels: Vec<Arc<dyn PushSender>>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) metrics: Metrics,
    pub(crate) options: ApiOptions,
    pub(crate) tasks: Tasks,
    pub(crate) announcer: Announcer,
    pub(crate) authenticator: Authenticator,
    pub(crate) carrier: Carrier,
    pub(crate) guesses: Guesses,
    pub(crate) limits: Limits,
    pub(crate) passwords: Passwords,
    pub(crate) repeats: Repeats,
}

impl Api {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Its figures have names that are taken.
    pub fn new(parts: ApiParts) -> Result<Self, MetricsError> {
        let ApiParts { store, log, inbox, clock, entropy, tables, keys, channels, notifier, .. } = parts;
        let ApiParts { dial, options, tasks, stop, .. } = parts;
        let metrics = Metrics::register(&parts.metrics)?;
        Ok(Self {
            announcer: Announcer::new(inbox, tables.clone(), tasks.clone()),
            // The shards check from where a page may open sockets; the calls take no cookies, so any page may try.
            authenticator: Authenticator::new(keys.verifiers(), store.clone(), clock.clone(), Vec::new()),
            carrier: Carrier::new(
                &options,
                entropy.clone(),
                dial,
                tasks.clone(),
                stop,
                metrics.carried_sockets.clone(),
            ),
            guesses: Guesses::new(),
            limits: Limits::new(&options.limits, &clock),
            passwords: Passwords::new(
                &options,
                entropy.clone(),
                tasks.clone(),
                metrics.waiting_passwords.clone(),
            ),
            repeats: Repeats::default(),
            store,
            log,
            clock,
            entropy,
            tables,
            keys,
            channels,
            notifier,
            metrics,
            options,
            tasks,
        })
    }

    /// Gives the router of all calls, with everything around it that a public listener needs.
    pub fn router(self) -> axum::Router {
        routes::router(Arc::new(self))
    }
}
