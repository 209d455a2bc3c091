//! One line for each exchange, without anything that a user wrote or keeps secret.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use tokio::time::Instant;
use tracing::Instrument;

use super::RequestId;

/// What may be told of a request and its response: never a query, a path's parameters, a header or a body.
#[derive(Clone, Debug)]
pub struct Exchange<'a> {
    /// The method.
    pub method: &'a Method,
    /// The route's pattern, such as `/api/users/{username}`; `unmatched` if there is none.
    pub route: &'a str,
    /// The response's status.
    pub status: StatusCode,
    /// How long the response took to make; its body may still be on its way.
    pub latency: Duration,
}

/// Sees every exchange.
pub type Observer = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

pub(super) async fn record(
    State(observer): State<Option<Observer>>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().map_or("", RequestId::as_str);
    let span = tracing::info_span!("request", id, %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let exchange = Exchange { method: &method, route, status: response.status(), latency: began.elapsed() };
    span.in_scope(|| log(&exchange));
    if let Some(observe) = observer {
        observe(&exchange);
    }
    response
}

fn log(exchange: &Exchange<'_>) {
    let status = exchange.status.as_u16();
    let latency_us = u64::try_from(exchange.latency.as_micros()).unwrap_or(u64::MAX);
    if exchange.status.is_server_error() {
        tracing::warn!(status, latency_us, "request answered");
    } else {
        tracing::info!(status, latency_us, "request answered");
    }
}
