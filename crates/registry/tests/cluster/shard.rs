//! A shard as the registry sees it: something that answers `/healthz/ready`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use ports::{FoundShard, ShardState};
use protocol::Service;
use protocol::Shard;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A shard that can stop, restart and say that it is not ready.
pub(crate) struct TestShard {
    pub(crate) found: FoundShard,
    status: Arc<AtomicU16>,
    probes: watch::Sender<u64>,
    server: Option<(DropGuard, TaskTracker)>,
}

impl TestShard {
    /// Starts a shard that is ready.
    pub(crate) async fn start(name: &str, service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let found = FoundShard {
            shard: Shard::new(name).unwrap(),
            service,
            url: format!("ws://{name}.test"),
            operator_url: Some(format!("http://{address}")),
            state: ShardState::Serving,
            weight: 100,
        };
        let mut shard = Self {
            found,
            status: Arc::new(AtomicU16::new(200)),
            probes: watch::Sender::new(0),
            server: None,
        };
        shard.serve(listener);
        shard
    }

    /// Ends it without a word; gives back only when nobody listens any more.
    pub(crate) async fn stop(&mut self) {
        let (stop, tracker) = self.server.take().unwrap();
        drop(stop);
        tracker.wait().await;
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        let url = self.found.operator_url.clone().unwrap();
        let listener = TcpListener::bind(url.trim_start_matches("http://")).await.unwrap();
        self.serve(listener);
    }

    /// Makes it answer this to probes.
    pub(crate) fn answer(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::SeqCst);
    }

    /// Waits until it has been probed so many times more.
    pub(crate) async fn probed(&self, times: u64) {
        let goal = *self.probes.borrow() + times;
        self.probes.subscribe().wait_for(|probes| *probes >= goal).await.unwrap();
    }

    fn serve(&mut self, listener: TcpListener) {
        let (status, probes) = (Arc::clone(&self.status), self.probes.clone());
        let ready = get(async move || {
            probes.send_modify(|probes| *probes += 1);
            StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap()
        });
        let router = Router::new().route("/healthz/ready", ready);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tracker.spawn(async move { server.await.unwrap() });
        tracker.close();
        self.server = Some((stop.drop_guard(), tracker));
    }
}
