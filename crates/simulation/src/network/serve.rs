//! HTTP over simulated connections, as the edge of a process that ships serves it over TCP.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http_edge::{PeerAddress, ServerLimits};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ports::Tasks;
use tokio::time::timeout;
use tower::ServiceExt;
use websocket::Transport;
use xxhash_rust::xxh3::xxh3_64;

use super::listener::Listener;

/// Serves a router until the listener ends, and returns then; each connection is a task, which lets its request finish if the listener
/// was stopped.
///
/// A handler can upgrade a connection to a WebSocket, as over TCP.
pub async fn serve(mut listener: Listener, router: Router, tasks: Tasks) {
    let limits = ServerLimits::default();
    let mut protocol = Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes)
        // It would be the real time.
        .auto_date_header(false);
    while let Some((pipe, peer)) = listener.accept().await {
        let service = requests(router.clone(), PeerAddress(address_of(&peer)));
        let stream = TokioIo::new(Transport::new(pipe));
        let connection = protocol.serve_connection(stream, service).with_upgrades();
        let stop = listener.stop();
        tasks.spawn(async move {
            let mut connection = Box::pin(connection);
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    timeout(limits.drain_timeout, connection).await.unwrap_or(Ok(()))
                }
                ended = connection.as_mut() => ended,
            };
            if let Err(error) = ended {
                tracing::debug!(peer, %error, "connection ended");
            }
        });
    }
}

/// Passes the requests of a connection to the router.
fn requests(
    router: Router,
    peer: PeerAddress,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Send {
    service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request)
    })
}

/// Gives the address that stands for a name: in 10.0.0.0/8, and always the same.
fn address_of(name: &str) -> SocketAddr {
    let [_, b, c, d, ..] = xxh3_64(name.as_bytes()).to_be_bytes();
    (Ipv4Addr::new(10, b, c, d), 49_152).into()
}
