//! One connection and its requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::half_open::Slot;
use super::{PeerAddress, ServerLimits};

/// What the connections of a server share.
pub(super) struct Connections {
    protocol: http1::Builder,
    router: Router,
    shutdown: CancellationToken,
    drain_timeout: Duration,
}

impl Connections {
    pub(super) fn new(router: Router, limits: &ServerLimits, shutdown: CancellationToken) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.max_header_bytes);
        Self { protocol, router, shutdown, drain_timeout: limits.drain_timeout }
    }

    /// Serves one connection until it closes, is upgraded, or the server has drained.
    ///
    /// The upgrade needs exactly this type of stream: the WebSocket crate takes the socket out of it again.
    pub(super) fn run(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: Slot,
    ) -> impl Future<Output = ()> + Send + use<> {
        let service = requests(self.router.clone(), PeerAddress(peer), slot);
        let connection = self.protocol.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let (shutdown, drain_timeout) = (self.shutdown.clone(), self.drain_timeout);
        async move {
            let mut connection = pin!(connection);
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    let Ok(result) = timeout(drain_timeout, connection).await else {
                        tracing::warn!(%peer, "a request did not finish in time before the shutdown");
                        return;
                    };
                    result
                }
            };
            if let Err(error) = result {
                tracing::debug!(%peer, %error, "connection ended");
            }
        }
    }
}

/// Passes the requests of a connection to the router; the first response gives the slot back.
fn requests(
    router: Router,
    peer: PeerAddress,
    slot: Slot,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send {
    let slot = Arc::new(Mutex::new(Some(slot)));
    service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let (router, slot) = (router.clone(), slot.clone());
        async move {
            let response = router.oneshot(request).await;
            drop(slot.lock().take());
            response
        }
    })
}
