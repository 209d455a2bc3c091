//! The server loop: HTTP/1.1 over TCP, bounded in connections, time and memory.

mod accept;
mod connection;
mod half_open;
mod limits;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::socket;
use accept::Acceptor;
use connection::Connections;
use half_open::HalfOpen;
pub use limits::ServerLimits;

/// The address of the peer of a connection, in the extensions of each of its requests.
///
/// Behind a proxy it is the proxy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Serves `router` on `listener` until `shutdown`, then lets the requests in flight finish within
/// [`ServerLimits::drain_timeout`] and returns.
///
/// Each connection is a task on `tracker`. A socket that a handler upgrades leaves the server with the upgrade: it is a
/// `TokioIo<TcpStream>`, counts no longer, and is not waited for.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    shutdown: CancellationToken,
    tracker: TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let half_open = HalfOpen::new(limits.max_half_open_per_address, limits.exempt_loopback);
    let connections = Connections::new(router, &limits, shutdown.clone());
    // Apart from the caller's tracker, which holds other tasks too, so that the end of these can be awaited.
    let running = TaskTracker::new();
    let mut acceptor = Acceptor::new(listener);
    loop {
        let admitted = async {
            let permit = permits.clone().acquire_owned().await;
            (acceptor.accept().await, permit)
        };
        let (stream, peer, permit) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            ((stream, peer), permit) = admitted => (stream, peer, permit),
        };
        let Some(slot) = half_open.admit(peer.ip()) else {
            tracing::debug!(%peer, "connection refused, too many of this address have not finished a request");
            continue;
        };
        if let Err(error) = socket::tune(&stream, limits.user_timeout) {
            tracing::debug!(%peer, %error, "socket options could not be set");
            continue;
        }
        let connection = connections.run(stream, peer, slot);
        tracker.spawn(running.track_future(async move {
            connection.await;
            drop(permit);
        }));
    }
    drop(acceptor);
    running.close();
    running.wait().await;
}
