//! Opening a socket: the HTTP side of `/chat`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use http_edge::Problem;
use identity::SUBPROTOCOL;
use protocol::{ErrorCode, MAX_FRAME_BYTES};

use crate::shard::Shared;

/// After how long a client that was refused may come again.
const RETRY_AFTER_MS: u64 = 2000;

/// Gives the shard's routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/chat", routing::get(open)).with_state(shared)
}

async fn open(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    // Before the credentials, so that no ticket is used up for nothing.
    if shared.draining.load(Ordering::Acquire) || shared.stop.is_cancelled() {
        return refuse("the shard drains");
    }
    if shared.sockets.available_permits() == 0 {
        return refuse("the shard is full");
    }
    let (headers, query) = (request.headers(), request.uri().query());
    let identity = match shared.authenticator.socket(headers, query).await {
        Ok(identity) => identity,
        Err(refusal) => return Problem::from(refusal).into_response(),
    };
    let Ok(permit) = shared.sockets.clone().try_acquire_owned() else { return refuse("the shard is full") };
    let (response, upgrade) = match websocket::accept(&mut request, Some(SUBPROTOCOL)) {
        Ok(accepted) => accepted,
        Err(error) => {
            let problem = Problem::from_status(error.status()).with_detail(error.to_string());
            let mut response = problem.into_response();
            response.headers_mut().extend(error.headers());
            return response;
        }
    };
    let limits = websocket::Limits { max_message_bytes: MAX_FRAME_BYTES, ..websocket::Limits::default() };
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        match upgrade.complete(limits).await {
            Ok((reader, writer)) => shared.serve(identity, reader, writer).await,
            Err(error) => tracing::debug!(%error, "a handshake was not completed"),
        }
        drop(permit);
    });
    response.map(axum::body::Body::new)
}

fn refuse(reason: &str) -> Response {
    let problem = Problem::new(ErrorCode::Unavailable).with_detail(reason);
    problem.with_retry_after_ms(RETRY_AFTER_MS).into_response()
}
