//! Roles that run by themselves.
//!
//! The registry needs no store that others share: it assigns users to the shards of a list. The other roles share one, which the embedded
//! store, one process's alone, is not.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use ports::{FoundShard, ShardState, SystemClock};
use protocol::{Service, Shard};
use registry::{Registry, RegistryOptions, StaticDiscovery};
use store_embedded::EmbeddedStore;
use telemetry::Metrics;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::configuration::{Configuration, ConfigurationError};
use crate::lifecycle::Lifecycle;

/// The roles and what they do.
pub const ROLES: &[(&str, &str)] = &[
    ("api", "HTTP, authentication, routing to the shards, the web client"),
    ("registry", "finds the shards and gives each user one"),
    ("chat", "a shard for messages"),
    ("presence", "a shard for who is online"),
    ("notification", "pushes to people who are away"),
];

/// Says whether a role can run by itself with this configuration.
///
/// # Errors
/// Names the key that stands against it.
pub fn check(role: &str, configuration: &Configuration) -> Result<(), ConfigurationError> {
    let wrong = |key: &str, reason: &str| {
        Err(ConfigurationError::Value { key: key.to_owned(), reason: reason.to_owned() })
    };
    if !configuration.redis_urls.is_empty() {
        return wrong("redis_urls", "this build has the embedded store only; leave it empty");
    }
    if role == "all" {
        return Ok(());
    }
    if role != "registry" {
        return wrong(
            "redis_urls",
            "this role by itself needs a store that it shares with the others, and this build has the embedded one \
             only; `chatapp all` runs every role over it",
        );
    }
    if configuration.shards.is_empty() {
        return wrong("shards", "is empty: a registry by itself needs the shards' names and addresses");
    }
    found(configuration).map(|_| ())
}

/// Runs the registry until a signal ends it.
///
/// # Errors
/// Its address is in use, or its data cannot be opened.
pub async fn run(configuration: Configuration) -> Result<ExitCode> {
    telemetry::init_logging(configuration.log_format.parse()?, &configuration.log_filter)?;
    let (lifecycle, tracker) = (Lifecycle::default(), TaskTracker::new());
    let stop = lifecycle.soft();
    let clock: Arc<dyn ports::Clock> = Arc::new(SystemClock);
    let folder = &configuration.data_directory;
    let store = Arc::new(
        EmbeddedStore::open(
            folder,
            store_embedded::Options { clock: clock.clone(), ..store_embedded::Options::default() },
        )
        .with_context(|| format!("data_directory: cannot open {}", folder.display()))?,
    );
    let discovery = StaticDiscovery::new(found(&configuration)?);
    let registry = Registry::new(&discovery, store.clone(), clock, RegistryOptions::default());
    let address = configuration.operator_address;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("operator_address: cannot listen on {address}"))?;
    let (metrics, ready) = (Metrics::new(), Arc::new(AtomicBool::new(false)));
    metrics.add_process()?;
    let is_ready = ready.clone();
    let routes = http_edge::operator_router(
        move |accept| metrics.answer(accept),
        move || match is_ready.load(Ordering::Acquire) {
            true => Ok(()),
            false => Err("there is no table".to_owned()),
        },
    );
    let routes = routes.merge(registry.router(stop.clone()));
    let mut feed = registry.feed();
    tracker.spawn(registry.run(stop.clone()));
    tracker.spawn(async move {
        ready.store(feed.newer_than(placement::Epoch::ZERO).await.is_some(), Ordering::Release);
    });
    let limits = http_edge::ServerLimits::default();
    tracker.spawn(http_edge::serve(listener, routes, limits, stop, tracker.clone()));
    let end = async {
        tracker.close();
        tracker.wait().await;
        if let Err(error) = store.close().await {
            tracing::warn!(%error, "the store did not close well");
        }
    };
    Ok(lifecycle.run(Duration::ZERO, end).await?)
}

/// Reads the list of shards: `chat-0=ws://host:port`, the service by its name's beginning.
fn found(configuration: &Configuration) -> Result<Vec<FoundShard>, ConfigurationError> {
    let mut shards = Vec::new();
    for entry in &configuration.shards {
        let wrong = |reason: &str| ConfigurationError::Value {
            key: "shards".to_owned(),
            reason: format!("{entry:?} {reason}"),
        };
        let (name, url) = entry.split_once('=').ok_or_else(|| wrong("is not NAME=URL"))?;
        let shard = Shard::new(name).map_err(|error| wrong(&format!("has no name: {error}")))?;
        let service = match name.split('-').next() {
            Some("chat") => Service::Chat,
            Some("presence") => Service::Presence,
            _ => return Err(wrong("begins with neither chat- nor presence-")),
        };
        if !url.starts_with("ws://") && !url.starts_with("wss://") {
            return Err(wrong("has no ws:// or wss:// address"));
        }
        let (url, operator_url) = (url.to_owned(), None);
        shards.push(FoundShard {
            shard,
            service,
            url,
            operator_url,
            state: ShardState::Serving,
            weight: 100,
        });
    }
    shards.sort_by(|one, other| one.shard.cmp(&other.shard));
    Ok(shards)
}
