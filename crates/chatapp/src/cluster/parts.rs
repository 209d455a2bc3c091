//! What the roles are made of: the configuration turned into each one's options, and the parts they share.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::{Api, ApiOptions, ApiParts, Keys, KeysParts, LimitOptions, Notifier, Quota};
use async_trait::async_trait;
use auth::{Lifetimes, PasswordPolicy, Realm, RefreshPolicy, RotationPolicy};
use axum::Router;
use http_edge::{EdgeOptions, ServerLimits};
use notification::{Notification, NotificationParts};
use placement::Table;
use ports::{Clock, Entropy, Note};
use protocol::Username;
use registry::{RegistryOptions, TableFeed};
use session::{Limits, Rate};
use store_embedded::EmbeddedStore;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::node::NodePlace;
use super::{Base, Shared};
use crate::configuration::Configuration;

/// How soon the registry sees what happens: everything is on this machine.
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// How many probes in a row must fail.
const PROBE_FAILURES: u32 = 2;
/// How long changes are gathered.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// A day, in milliseconds.
const DAY: u64 = 24 * 3_600_000;

/// Opens the embedded store.
pub(super) fn store(configuration: &Configuration, clock: &Arc<dyn Clock>) -> Result<Arc<EmbeddedStore>> {
    let options = store_embedded::Options {
        sync: configuration.sync,
        clock: clock.clone(),
        ..store_embedded::Options::default()
    };
    let folder = &configuration.data_directory;
    let store = EmbeddedStore::open(folder, options)
        .with_context(|| format!("data_directory: cannot open {}", folder.display()))?;
    Ok(Arc::new(store))
}

/// Opens the signing keys.
pub(super) async fn keys(
    configuration: &Configuration,
    store: &Arc<EmbeddedStore>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Arc<Keys>> {
    let lifetimes = Lifetimes { access: configuration.access_token_seconds * 1000, ..Lifetimes::default() };
    let parts = KeysParts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        realm: Realm { issuer: configuration.issuer.clone(), audience: configuration.issuer.clone() },
        lifetimes,
        rotation: RotationPolicy { longest_token: lifetimes.longest, ..RotationPolicy::default() },
    };
    Ok(Keys::open(parts).await?)
}

pub(super) fn registry_options() -> RegistryOptions {
    RegistryOptions {
        probe_period: PROBE_PERIOD,
        probe_failures: PROBE_FAILURES,
        debounce: DEBOUNCE,
        ..RegistryOptions::default()
    }
}

/// Waits for the first table with these shards where they are now, and passes every later one on.
///
/// The registry begins with the table of the last run, in which the shards of this machine had other ports.
pub(super) async fn tables(
    mut feed: TableFeed,
    base: &Base,
    places: &[NodePlace],
) -> Result<watch::Receiver<Arc<Table>>> {
    let mut epoch = placement::Epoch::ZERO;
    let first = loop {
        let table = feed.newer_than(epoch).await.context("the registry ended")?;
        if places.iter().all(|place| place.is_in(&table)) {
            break table;
        }
        epoch = table.epoch;
    };
    let (sender, receiver) = watch::channel(first);
    let stop = base.stop.clone();
    base.tracker.spawn(async move {
        let follow = async {
            loop {
                let epoch = sender.borrow().epoch;
                let Some(table) = feed.newer_than(epoch).await else { return };
                sender.send_replace(table);
            }
        };
        stop.run_until_cancelled(follow).await;
    });
    Ok(receiver)
}

/// Starts the notification role.
pub(super) fn notification(shared: &Shared) -> Result<Notification> {
    let (base, store) = (&shared.base, &shared.base.store);
    Ok(Notification::start(NotificationParts {
        store: store.clone(),
        log: store.clone(),
        outbox: store.clone(),
        connected: Arc::new(shared.sockets.clone()),
        entropy: base.entropy.clone(),
        senders: push::senders(&base.configuration.channels()?),
        metrics: base.metrics.of_role("notification", None),
        options: notification::Options::default(),
        tasks: base.tracker.clone().into(),
        stop: base.stop.clone(),
    })?)
}

/// Makes the api role.
pub(super) fn api(shared: &Shared, notification: Notification) -> Result<Api> {
    let (base, store) = (&shared.base, &shared.base.store);
    Ok(Api::new(ApiParts {
        store: store.clone(),
        log: store.clone(),
        inbox: store.clone(),
        clock: base.clock.clone(),
        entropy: base.entropy.clone(),
        tables: shared.tables.clone(),
        keys: base.keys.clone(),
        channels: push::senders(&base.configuration.channels()?),
        notifier: Arc::new(Notifies { notification, tracker: base.tracker.clone() }),
        metrics: base.metrics.of_role("api", None),
        options: api_options(&base.configuration)?,
        tasks: base.tracker.clone().into(),
        stop: base.stop.clone(),
    })?)
}

/// Puts what every public listener needs around a router; pages may load what the api serves, and open sockets.
pub(super) fn hardened(router: Router) -> Router {
    http_edge::harden(router, EdgeOptions::default())
}

pub(super) fn server_limits(configuration: &Configuration) -> ServerLimits {
    ServerLimits {
        max_connections: configuration.max_connections,
        exempt_loopback: !configuration.limit_loopback,
        ..ServerLimits::default()
    }
}

pub(super) fn chat_options(configuration: &Configuration) -> chat::Options {
    let heartbeat_ms = configuration.heartbeat_seconds * 1000;
    let default = chat::Options::default();
    chat::Options {
        session: Limits {
            frames: Rate { per_second: configuration.frames_per_second, burst: configuration.frames_burst },
            heartbeat_ms,
            // A silent death is noticed within 45 s at the default heartbeat.
            dead_after_ms: heartbeat_ms * 9 / 5,
            ..default.session
        },
        queue_bytes: configuration.queue_bytes,
        sockets_per_user: configuration.sockets_per_user,
        max_sockets: configuration.max_connections,
        ..default
    }
}

pub(super) fn presence_options(configuration: &Configuration) -> presence::PresenceOptions {
    let heartbeat = Duration::from_secs(configuration.heartbeat_seconds);
    presence::PresenceOptions {
        heartbeat,
        answer_time: heartbeat * 19 / 25,
        queue_bytes: configuration.queue_bytes,
        max_sockets_per_user: configuration.sockets_per_user,
        max_sockets: configuration.max_connections,
        ..presence::PresenceOptions::default()
    }
}

fn api_options(configuration: &Configuration) -> Result<ApiOptions> {
    let per_hour = configuration.signups_per_hour;
    let requests = configuration.requests_per_second;
    Ok(ApiOptions {
        passwords: PasswordPolicy::new(configuration.password_min_chars)?,
        refresh: RefreshPolicy { idle: configuration.login_days * DAY, ..RefreshPolicy::default() },
        limits: LimitOptions {
            log_in: Some(Quota::new(configuration.logins_per_minute, configuration.logins_per_minute)),
            sign_up: Some(Quota::per_hour(per_hour, per_hour)),
            address: Some(Quota::new(requests.saturating_mul(60), requests.saturating_mul(4))),
            exempt_loopback: !configuration.limit_loopback,
            ..LimitOptions::default()
        },
        trusted_proxies: configuration.trusted_proxies,
        carried_sockets: configuration.max_connections,
        hashing_cores: std::thread::available_parallelism().map_or(1, NonZero::get),
        drain: Duration::from_secs(configuration.drain_seconds),
        ..ApiOptions::default()
    })
}

/// Hands the notes of the api to the notification role of this process.
struct Notifies {
    notification: Notification,
    tracker: TaskTracker,
}

#[async_trait]
impl Notifier for Notifies {
    async fn notify(&self, to: &Username, note: Note) -> ports::Result<()> {
        let (notification, to) = (self.notification.clone(), to.clone());
        self.tracker.spawn(async move {
            if let Err(error) = notification.notify(&to, &note).await {
                tracing::warn!(%error, "a note was not sent");
            }
        });
        Ok(())
    }
}
