//! From the request for `/presence` to a connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http_edge::Problem;
use protocol::ErrorCode;

use crate::connection;
use crate::hub::Hub;

/// The subprotocol that the server speaks; credentials that came as another one are not repeated.
const SUBPROTOCOL: &str = "chatapp.v1";
/// When a client that was refused for want of room may come again, in milliseconds.
const RETRY_AFTER: u64 = 2_000;

/// Makes the router of `/presence`.
pub(crate) fn router(hub: Arc<Hub>) -> Router {
    Router::new().route("/presence", get(open)).with_state(hub)
}

async fn open(State(hub): State<Arc<Hub>>, mut request: Request) -> Result<Response, Problem> {
    let (_, sockets) = hub.update(|state, _| state.roster.counts());
    if hub.draining.load(Ordering::Acquire) || sockets >= hub.options.max_sockets {
        return Err(Problem::new(ErrorCode::Unavailable).with_retry_after_ms(RETRY_AFTER));
    }
    let identity = hub.authenticator.authenticate(request.headers(), request.uri().query()).await?;
    match websocket::accept(&mut request, Some(SUBPROTOCOL)) {
        Ok((response, upgrade)) => {
            let tasks = hub.tasks.clone();
            tasks.spawn(connection::run(hub, identity, upgrade));
            Ok(response.map(Body::new))
        }
        Err(error) => {
            let mut response =
                Problem::from_status(error.status()).with_detail(error.to_string()).into_response();
            response.headers_mut().extend(error.headers());
            Ok(response)
        }
    }
}
