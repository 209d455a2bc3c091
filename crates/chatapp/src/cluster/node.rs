//! A shard in this process: on a runtime and listeners of its own, so that it can be ended alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use protocol::Service;
use protocol::Shard;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shared;
use crate::base::Base;
use crate::listener::bind;
use crate::parts::{self, ShardPlace};
use crate::shard::RunningShard;

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
    shard: RunningShard,
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
        let NodePlace { service, shard: name, listener, home, .. } = place;
        let place = ShardPlace {
            shard: name.clone(),
            tables: shared.tables.clone(),
            verifiers: shared.keys.verifiers(),
            tasks: home.tracker.clone().into(),
            stop: home.stop.clone(),
        };
        let with = shared.clone();
        let start = async move { RunningShard::start(&with.base, service, place).await };
        let shard = home.run(start).await?;
        if let Some(chat) = shard.chat() {
            shared.sockets.add(name, chat);
        }
        home.serve(&shared.base, listener, shard.router()).await?;
        Ok(Self { shard, home })
    }

    /// Sends the clients elsewhere.
    pub(super) async fn drain(&self, window: Duration) {
        self.home.ready.store(false, Ordering::Release);
        self.shard.drain(window).await;
    }

    /// Ends it in order; dropping it ends it without a word.
    pub(super) async fn stop(self) {
        self.home.stop.cancel();
        self.home.tracker.close();
        self.home.tracker.wait().await;
    }
}
