//! What the roles are made of: the configuration turned into each one's options, and the parts they share.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use api::{Api, ApiOptions, ApiParts, Keys, KeysParts, LimitOptions, Notifier, Quota};
use auth::{Lifetimes, PasswordPolicy, Realm, RefreshPolicy, RotationPolicy, Verifier};
use axum::Router;
use chat::ChatParts;
use http_edge::{EdgeOptions, ServerLimits};
use identity::Authenticator;
use notification::NotificationParts;
use placement::Table;
use ports::{ConnectedUsers, Discovery, Tasks};
use presence::{PresenceMetrics, PresenceParts};
use protocol::Shard;
use registry::{Registry, RegistryOptions};
use session::{Limits, Rate};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::base::Base;
use crate::configuration::Configuration;

/// How soon the registry sees what happens: everything is on this machine.
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// How many probes in a row must fail.
const PROBE_FAILURES: u32 = 2;
/// How long changes are gathered.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// A day, in milliseconds.
const DAY: u64 = 24 * 3_600_000;

/// Where a shard is, and what it follows.
pub(crate) struct ShardPlace {
    /// Its name.
    pub(crate) shard: Shard,
    /// Who belongs where.
    pub(crate) tables: watch::Receiver<Arc<Table>>,
    /// What checks tokens.
    pub(crate) verifiers: watch::Receiver<Arc<Verifier>>,
    /// Where its tasks run.
    pub(crate) tasks: Tasks,
    /// Ends it.
    pub(crate) stop: CancellationToken,
}

/// Opens the signing keys, and looks after them.
pub(crate) async fn keys(base: &Base) -> Result<Arc<Keys>> {
    let configuration = &base.configuration;
    let lifetimes = Lifetimes { access: configuration.access_token_seconds * 1000, ..Lifetimes::default() };
    let keys = Keys::open(KeysParts {
        store: base.backend.store.clone(),
        clock: base.clock.clone(),
        entropy: base.entropy.clone(),
        realm: realm(configuration),
        lifetimes,
        rotation: RotationPolicy { longest_token: lifetimes.longest, ..RotationPolicy::default() },
    })
    .await?;
    base.tracker.spawn(keys.clone().run(base.stop.clone()));
    Ok(keys)
}

/// Says who issues the tokens, and for whom.
pub(crate) fn realm(configuration: &Configuration) -> Realm {
    Realm { issuer: configuration.issuer.clone(), audience: configuration.issuer.clone() }
}

/// Makes the registry.
pub(crate) fn registry(base: &Base, discovery: &dyn Discovery, options: RegistryOptions) -> Registry {
    Registry::new(discovery, base.backend.store.clone(), base.clock.clone(), base.dial.clone(), options)
}

/// Says who may open a shard's sockets.
pub(crate) fn authenticator(base: &Base, verifiers: watch::Receiver<Arc<Verifier>>) -> Authenticator {
    let origins = base.configuration.allowed_origins.clone();
    Authenticator::new(verifiers, base.backend.store.clone(), base.clock.clone(), origins)
}

/// Gives what a chat shard is made of.
pub(crate) fn chat(base: &Base, place: ShardPlace) -> ChatParts {
    let ShardPlace { shard, tables, verifiers, tasks, stop } = place;
    ChatParts {
        metrics: base.metrics.of_role("chat", Some(shard.as_str())),
        shard,
        store: base.backend.store.clone(),
        log: base.backend.log.clone(),
        inbox: base.backend.inbox.clone(),
        clock: base.clock.clone(),
        entropy: base.entropy.clone(),
        tables,
        authenticator: authenticator(base, verifiers),
        options: chat_options(&base.configuration),
        tasks,
        stop,
    }
}

/// Gives what a presence shard is made of.
pub(crate) fn presence(base: &Base, place: ShardPlace) -> Result<PresenceParts> {
    let ShardPlace { shard, tables, verifiers, tasks, stop } = place;
    let metrics = base.metrics.of_role("presence", Some(shard.as_str()));
    Ok(PresenceParts {
        metrics: PresenceMetrics::register(&metrics)?,
        shard,
        store: base.backend.store.clone(),
        inbox: base.backend.inbox.clone(),
        clock: base.clock.clone(),
        entropy: base.entropy.clone(),
        tables,
        authenticator: Arc::new(authenticator(base, verifiers)),
        options: presence_options(&base.configuration),
        tasks,
        stop,
    })
}

pub(crate) fn registry_options() -> RegistryOptions {
    RegistryOptions {
        probe_period: PROBE_PERIOD,
        probe_failures: PROBE_FAILURES,
        debounce: DEBOUNCE,
        ..RegistryOptions::default()
    }
}

/// Gives what the notification role is made of.
pub(crate) fn notification(base: &Base, connected: Arc<dyn ConnectedUsers>) -> Result<NotificationParts> {
    Ok(NotificationParts {
        store: base.backend.store.clone(),
        log: base.backend.log.clone(),
        outbox: base.backend.outbox.clone(),
        connected,
        entropy: base.entropy.clone(),
        senders: push::senders(&base.configuration.channels()?),
        metrics: base.metrics.of_role("notification", None),
        options: notification::Options::default(),
        tasks: base.tracker.clone().into(),
        stop: base.stop.clone(),
    })
}

/// Makes the api role.
pub(crate) fn api(
    base: &Base,
    keys: Arc<Keys>,
    tables: watch::Receiver<Arc<Table>>,
    notifier: Arc<dyn Notifier>,
) -> Result<Api> {
    Ok(Api::new(ApiParts {
        store: base.backend.store.clone(),
        log: base.backend.log.clone(),
        inbox: base.backend.inbox.clone(),
        clock: base.clock.clone(),
        entropy: base.entropy.clone(),
        tables,
        keys,
        channels: push::senders(&base.configuration.channels()?),
        notifier,
        dial: base.dial.clone(),
        metrics: base.metrics.of_role("api", None),
        options: api_options(&base.configuration)?,
        tasks: base.tracker.clone().into(),
        stop: base.stop.clone(),
    })?)
}

/// Puts what every public listener needs around a router; pages may load what the api serves, and open sockets.
pub(crate) fn hardened(router: Router) -> Router {
    http_edge::harden(router, EdgeOptions::default())
}

pub(crate) fn server_limits(configuration: &Configuration) -> ServerLimits {
    ServerLimits {
        max_connections: configuration.max_connections,
        exempt_loopback: !configuration.limit_loopback,
        ..ServerLimits::default()
    }
}

fn chat_options(configuration: &Configuration) -> chat::Options {
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

fn presence_options(configuration: &Configuration) -> presence::PresenceOptions {
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
