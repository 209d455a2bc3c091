//! A shard in this process: on a runtime and listeners of its own, so that it can be ended alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use chat::{ChatParts, ChatShard};
use identity::Authenticator;
use presence::{PresenceParts, PresenceShard};
use protocol::Service;
use protocol::Shard;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listener::bind;
use super::{Base, Shared, parts};

/// Where a shard will run: it can be found and probed, and clients who connect wait until it starts.
pub(super) struct NodePlace {
    pub(super) service: Service,
    pub(super) shard: Shard,
    pub(super) url: String,
    pub(super) operator_url: String,
    listener: std::net::TcpListener,
    home: Home,
}

/// A running shard.
pub(super) struct Node {
    shard: Running,
    home: Home,
}

/// What a shard's tasks run on.
struct Home {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    ready: Arc<AtomicBool>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

enum Running {
    Chat(ChatShard),
    Presence(PresenceShard),
}

impl NodePlace {
    /// Binds a shard's listeners and answers probes; with `offset` and a fixed port that many ports after it, else on free ones.
    pub(super) async fn bind(
        base: &Base,
        service: Service,
        shard: Shard,
        offset: Option<u16>,
    ) -> Result<Self> {
        let configuration = &base.configuration;
        let mut address = configuration.shard_address;
        let port =
            offset.filter(|_| address.port() != 0).and_then(|offset| address.port().checked_add(offset));
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
        let home = Home::open(&shard)?;
        let operator_url = format!("http://{}", health.local_addr()?);
        home.answer_probes(base, health).await?;
        // Registered with the runtime that will serve it.
        let listener = listener.into_std()?;
        Ok(Self {
            service,
            shard,
            url: format!("ws://{host}:{}", address.port()),
            operator_url,
            listener,
            home,
        })
    }
}

impl Home {
    fn open(shard: &Shard) -> Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name(shard.as_str()).enable_all().build();
        Ok(Self {
            runtime: Some(runtime.context("cannot start a runtime")?),
            ready: Arc::new(AtomicBool::new(true)),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Runs something there.
    async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let runtime = self.runtime.as_ref().context("it has ended")?;
        runtime.spawn(task).await.context("the shard failed")?
    }

    /// Serves a listener there until the shard stops.
    async fn serve(&self, base: &Base, listener: std::net::TcpListener, router: Router) -> Result<()> {
        let limits = parts::server_limits(&base.configuration);
        let (tracker, stop) = (self.tracker.clone(), self.stop.clone());
        self.run(async move {
            let listener = TcpListener::from_std(listener)?;
            tracker.spawn(http_edge::serve(listener, router, limits, stop, tracker.clone()));
            Ok(())
        })
        .await
    }

    async fn answer_probes(&self, base: &Base, listener: TcpListener) -> Result<()> {
        let (metrics, ready) = (base.metrics.clone(), self.ready.clone());
        let is_ready = move || match ready.load(Ordering::Acquire) {
            true => Ok(()),
            false => Err("the shard drains".to_owned()),
        };
        let router = http_edge::operator_router(move |accept| metrics.answer(accept), is_ready);
        self.serve(base, listener.into_std()?, router).await
    }
}

impl Drop for Home {
    /// Ends what still runs, without waiting for it.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Node {
    /// Starts a shard.
    pub(super) async fn start(shared: &Arc<Shared>, place: NodePlace) -> Result<Self> {
        let NodePlace { service, shard, listener, home, .. } = place;
        let (tracker, stop, parts) = (home.tracker.clone(), home.stop.clone(), shared.clone());
        let start = async move {
            anyhow::Ok(match service {
                Service::Chat => {
                    let chat = ChatShard::start(chat_parts(&parts, shard.clone(), tracker, stop)).await?;
                    parts.sockets.add(shard, chat.clone());
                    Running::Chat(chat)
                }
                Service::Presence => Running::Presence(
                    PresenceShard::start(presence_parts(&parts, shard, tracker, stop)?).await?,
                ),
            })
        };
        let shard = home.run(start).await?;
        let router = match &shard {
            Running::Chat(chat) => chat.router(),
            Running::Presence(presence) => presence.router(),
        };
        home.serve(&shared.base, listener, parts::hardened(router)).await?;
        Ok(Self { shard, home })
    }

    /// Sends the clients elsewhere.
    pub(super) async fn drain(&self, window: Duration) {
        self.home.ready.store(false, Ordering::Release);
        match &self.shard {
            Running::Chat(chat) => chat.drain(window).await,
            Running::Presence(presence) => presence.drain(window).await,
        }
    }

    /// Ends it in order; dropping it ends it without a word.
    pub(super) async fn stop(self) {
        self.home.stop.cancel();
        self.home.tracker.close();
        self.home.tracker.wait().await;
    }
}

fn authenticator(shared: &Shared) -> Authenticator {
    let origins = shared.base.configuration.allowed_origins.clone();
    Authenticator::new(
        shared.base.keys.verifiers(),
        shared.base.store.clone(),
        shared.base.clock.clone(),
        origins,
    )
}

fn chat_parts(shared: &Shared, shard: Shard, tracker: TaskTracker, stop: CancellationToken) -> ChatParts {
    ChatParts {
        metrics: shared.base.metrics.of_role("chat", Some(shard.as_str())),
        shard,
        store: shared.base.store.clone(),
        log: shared.base.store.clone(),
        inbox: shared.base.store.clone(),
        clock: shared.base.clock.clone(),
        entropy: shared.base.entropy.clone(),
        tables: shared.tables.clone(),
        authenticator: authenticator(shared),
        options: parts::chat_options(&shared.base.configuration),
        tasks: tracker.into(),
        stop,
    }
}

fn presence_parts(
    shared: &Shared,
    shard: Shard,
    tracker: TaskTracker,
    stop: CancellationToken,
) -> Result<PresenceParts> {
    let metrics = shared.base.metrics.of_role("presence", Some(shard.as_str()));
    Ok(PresenceParts {
        metrics: presence::PresenceMetrics::register(&metrics)?,
        shard,
        store: shared.base.store.clone(),
        inbox: shared.base.store.clone(),
        clock: shared.base.clock.clone(),
        entropy: shared.base.entropy.clone(),
        tables: shared.tables.clone(),
        authenticator: Arc::new(authenticator(shared)),
        options: parts::presence_options(&shared.base.configuration),
        tasks: tracker.into(),
        stop,
    })
}
