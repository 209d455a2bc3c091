//! The operators' port: health and metrics.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use protocol::ErrorCode;

use crate::Problem;

/// Makes the router of the operators' port.
///
/// `/healthz/live` answers as long as the process does. `/healthz/ready` answers 200 while `ready` is content, else 503
/// with its reason. `/metrics` answers what `metrics` makes of the `Accept` header: a content type and a text.
pub fn operator_router<M, R>(metrics: M, ready: R) -> Router
where
    M: Fn(Option<&str>) -> (&'static str, String) + Clone + Send + Sync + 'static,
    R: Fn() -> Result<(), String> + Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/healthz/live", get(async || "live\n"))
        .route("/healthz/ready", get(async move || readiness(ready())))
        .route(
            "/metrics",
            get(async move |headers: HeaderMap| {
                let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
                let (content_type, text) = metrics(accept);
                ([(CONTENT_TYPE, content_type)], text)
            }),
        )
}

fn readiness(ready: Result<(), String>) -> impl IntoResponse {
    match ready {
        Ok(()) => Ok("ready\n"),
        Err(reason) => Err(Problem::new(ErrorCode::Unavailable).with_detail(reason)),
    }
}
