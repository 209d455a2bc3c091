//! A shard in this process: on a runtime and listeners of its own, so that it can be ended alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use chat::{ChatParts, ChatShard};
use identity::Authenticator;
use ports::Service;
use presence::{PresenceParts, PresenceShard};
use protocol::Shard;
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::bind;
use super::{Shared, parts};
use crate::configuration::Configuration;

/// Where a shard listens.
pub(super) struct NodePlace {
    pub(super) service: Service,
    pub(super) shard: Shard,
    pub(super) url: String,
    pub(super) health_url: String,
    listener: TcpListener,
    health: TcpListener,
}

/// A running shard.
pub(super) struct Node {
    runtime: Runtime,
    shard: Running,
    ready: Arc<AtomicBool>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

enum Running {
    Chat(ChatShard),
    Presence(PresenceShard),
}

impl NodePlace {
    /// Binds a shard's listeners; with `offset` and a fixed port that many ports after it, else on free ones.
    pub(super) async fn bind(
        configuration: &Configuration,
        service: Service,
        shard: Shard,
        offset: Option<u16>,
    ) -> Result<Self> {
        let mut address = configuration.shard_address;
        let port = offset.filter(|_| address.port() != 0).and_then(|offset| address.port().checked_add(offset));
        address.set_port(port.unwrap_or(0));
        let listener = bind(address, "shard_address").await?;
        let health = bind(SocketAddr::from(([127, 0, 0, 1], 0)), "shard_address").await?;
        let address = listener.local_addr()?;
        let host = match (&configuration.shard_host, address.ip()) {
            (Some(host), _) => host.clone(),
            (None, ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            (None, IpAddr::V6(ip)) => format!("[{ip}]"),
            (None, ip) => ip.to_string(),
        };
        Ok(Self {
            service,
            shard,
            url: format!("ws://{host}:{}", address.port()),
            health_url: format!("http://{}", health.local_addr()?),
            listener,
            health,
        })
    }
}

impl Node {
    /// Starts a shard.
    pub(super) async fn start(shared: &Arc<Shared>, store: &Arc<EmbeddedStore>, place: NodePlace) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(place.shard.as_str())
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let ready = Arc::new(AtomicBool::new(true));
        let NodePlace { service, shard, listener, health, .. } = place;
        // Registered with the runtime that will serve them.
        let (listener, health) = (listener.into_std()?, health.into_std()?);
        let start = {
            let (shared, store) = (shared.clone(), store.clone());
            let (tracker, stop, ready) = (tracker.clone(), stop.clone(), ready.clone());
            async move {
                let running = match service {
                    Service::Chat => {
                        let chat = ChatShard::start(chat_parts(&shared, &store, shard.clone(), &tracker, &stop));
                        let chat = chat.await?;
                        shared.sockets.add(shard, chat.clone());
                        Running::Chat(chat)
                    }
                    Service::Presence => {
                        let parts = presence_parts(&shared, &store, shard, &tracker, &stop)?;
                        Running::Presence(PresenceShard::start(parts).await?)
                    }
                };
                let router = match &running {
                    Running::Chat(chat) => chat.router(),
                    Running::Presence(presence) => presence.router(),
                };
                let limits = parts::server_limits(&shared.configuration);
                let serve = |listener, router| {
                    let listener = TcpListener::from_std(listener)?;
                    tracker.spawn(http_edge::serve(listener, router, limits, stop.clone(), tracker.clone()));
                    anyhow::Ok(())
                };
                serve(listener, parts::hardened(router))?;
                let metrics = shared.metrics.clone();
                let is_ready = move || match ready.load(Ordering::Acquire) {
                    true => Ok(()),
                    false => Err("the shard drains".to_owned()),
                };
                serve(health, http_edge::operator_router(move |accept| metrics.answer(accept), is_ready))?;
                anyhow::Ok(running)
            }
        };
        let shard = runtime.spawn(start).await.context("the shard failed")??;
        Ok(Self { runtime, shard, ready, tracker, stop })
    }

    /// Sends the clients elsewhere.
    pub(super) async fn drain(&self, window: Duration) {
        self.ready.store(false, Ordering::Release);
        match &self.shard {
            Running::Chat(chat) => chat.drain(window).await,
            Running::Presence(presence) => presence.drain(window).await,
        }
    }

    /// Ends it in order.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.runtime.shutdown_background();
    }

    /// Ends it without a word.
    pub(super) fn kill(self) {
        self.runtime.shutdown_background();
    }
}

fn authenticator(shared: &Shared, store: &Arc<EmbeddedStore>) -> Authenticator {
    let origins = shared.configuration.allowed_origins.clone();
    Authenticator::new(shared.keys.verifiers(), store.clone(), shared.clock.clone(), origins)
}

fn chat_parts(
    shared: &Shared,
    store: &Arc<EmbeddedStore>,
    shard: Shard,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> ChatParts {
    ChatParts {
        metrics: shared.metrics.of_role("chat", Some(shard.as_str())),
        shard,
        store: store.clone(),
        log: store.clone(),
        inbox: store.clone(),
        clock: shared.clock.clone(),
        entropy: shared.entropy.clone(),
        tables: shared.tables.clone(),
        authenticator: authenticator(shared, store),
        options: parts::chat_options(&shared.configuration),
        tracker: tracker.clone(),
        stop: stop.clone(),
    }
}

fn presence_parts(
    shared: &Shared,
    store: &Arc<EmbeddedStore>,
    shard: Shard,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<PresenceParts> {
    Ok(PresenceParts {
        metrics: presence::PresenceMetrics::new(&shared.metrics.of_role("presence", Some(shard.as_str())))?,
        shard,
        store: store.clone(),
        inbox: store.clone(),
        clock: shared.clock.clone(),
        entropy: shared.entropy.clone(),
        tables: shared.tables.clone(),
        authenticator: authenticator(shared, store),
        options: parts::presence_options(&shared.configuration),
        tracker: tracker.clone(),
        stop: stop.clone(),
    })
}
