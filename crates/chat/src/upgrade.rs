//! Opening a socket: the HTTP side of `/chat`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use http_edge::Problem;
use identity::SUBPROTOCOL;
use protocol::{ErrorCode, MAX_FRAME_BYTES};

use crate::shard::Shared;

/// Gives the shard's routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/chat", routing::get(open)).with_state(shared)
}

async fn open(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    let (headers, query) = (request.headers(), request.uri().query());
    let identity = match shared.authenticator.socket(headers, query).await {
        Ok(identity) => identity,
        Err(refusal) => return Problem::from(refusal).into_response(),
    };
    if shared.stop.is_cancelled() {
        return Problem::new(ErrorCode::Unavailable).with_detail("the shard drains").into_response();
    }
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
    let tracker = shared.tracker.clone();
    tracker.spawn(async move {
        match upgrade.complete(limits).await {
            Ok((reader, writer)) => shared.serve(identity, reader, writer).await,
            Err(error) => tracing::debug!(%error, "a handshake was not completed"),
        }
    });
    response.map(axum::body::Body::new)
}
