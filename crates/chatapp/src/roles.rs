//! Roles that run by themselves, a process each, over a store that they share.

mod api;
mod follow;
mod list;
mod notification;
mod registry;
mod shard;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use protocol::Service;

use crate::base::Base;
use crate::configuration::{Configuration, ConfigurationError};
use crate::lifecycle::Lifecycle;
use crate::shard::RunningShard;

/// A role that runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// HTTP.
    Api,
    /// Gives users their shards.
    Registry,
    /// A shard of one of the services.
    Shard(Service),
    /// Pushes.
    Notification,
}

/// What a role has become once it has started.
#[derive(Default)]
struct Started {
    /// The shard whose clients are to be sent elsewhere at the end.
    shard: Option<RunningShard>,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Api,
        Self::Registry,
        Self::Shard(Service::Chat),
        Self::Shard(Service::Presence),
        Self::Notification,
    ];

    /// Gives the name of its command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Registry => "registry",
            Self::Shard(Service::Chat) => "chat",
            Self::Shard(Service::Presence) => "presence",
            Self::Notification => "notification",
        }
    }

    /// Says what it does.
    pub fn about(self) -> &'static str {
        match self {
            Self::Api => "HTTP, authentication, routing to the shards, the web client",
            Self::Registry => "finds the shards and gives each user one",
            Self::Shard(Service::Chat) => "a shard for messages",
            Self::Shard(Service::Presence) => "a shard for who is online",
            Self::Notification => "pushes to people who are away",
        }
    }

    /// Says whether it can run by itself with this configuration.
    ///
    /// # Errors
    /// Names the key that stands against it.
    pub fn check(self, configuration: &Configuration) -> Result<(), ConfigurationError> {
        let wrong = |key: &str, reason: &str| {
            Err(ConfigurationError::Value { key: key.to_owned(), reason: reason.to_owned() })
        };
        if self == Self::Registry {
            if configuration.shards.is_empty() {
                return wrong(
                    "shards",
                    "is empty: a registry by itself needs the shards' names and addresses",
                );
            }
            return list::found(configuration).map(|_| ());
        }
        if configuration.redis_urls.is_empty() {
            return wrong(
                "redis_urls",
                "is empty: a role by itself needs a store that it shares with the others; `chatapp all` runs every role over \
                 the embedded one",
            );
        }
        if configuration.registry_url.is_empty() {
            return wrong("registry_url", "is empty: a role by itself asks the registry who belongs where");
        }
        if matches!(self, Self::Shard(_)) {
            return configuration.shard().map(|_| ());
        }
        Ok(())
    }

    /// Runs it until a signal ends it.
    ///
    /// # Errors
    /// An address is in use, or the store cannot be opened.
    pub async fn run(self, configuration: Configuration) -> Result<ExitCode> {
        telemetry::init_logging(configuration.log_format.parse()?, &configuration.log_filter)?;
        let (base, lifecycle) = (Base::open(configuration).await?, Lifecycle::default());
        let (ready, drain) = (Arc::new(AtomicBool::new(false)), self.drain(&base));
        let started = OnceLock::new();
        let starting = async {
            let role = match self {
                Self::Registry => registry::start(&base, &ready).await?,
                Self::Api => api::start(&base, &ready).await?,
                Self::Shard(service) => shard::start(&base, &ready, service).await?,
                Self::Notification => notification::start(&base, &ready).await?,
            };
            tracing::info!(role = self.name(), "started");
            let _ = started.set(role);
            std::future::pending::<Result<ExitCode>>().await
        };
        let end = async {
            ready.store(false, Ordering::Release);
            if let Some(Started { shard: Some(shard) }) = started.get() {
                shard.drain(drain).await;
            }
            base.close().await;
        };
        tokio::select! {
            biased;
            failed = starting => failed,
            ended = lifecycle.run(drain, end) => Ok(ended?),
        }
    }

    /// Gives over how long its clients are sent away.
    fn drain(self, base: &Base) -> Duration {
        match self {
            Self::Shard(_) | Self::Api => Duration::from_secs(base.configuration.drain_seconds),
            Self::Registry | Self::Notification => Duration::ZERO,
        }
    }
}
