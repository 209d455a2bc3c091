//! The registry over HTTP.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use placement::Epoch;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::feed::TableFeed;
use crate::load_sink::LoadSink;
use crate::report::LoadReport;

/// The largest load report, in bytes: 4,096 buckets of at most 30 characters are half of it.
const MAX_REPORT_BYTES: usize = 256 * 1024;

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct RouterState {
    pub(crate) feed: TableFeed,
    pub(crate) loads: LoadSink,
    pub(crate) watch_bound: Duration,
    pub(crate) stop: CancellationToken,
}

/// What may be asked about the table.
#[derive(Deserialize)]
struct TableQuery {
    /// Answer when there is a newer one than this, or after the bound.
    watch: Option<Epoch>,
}

/// Makes the routes.
pub(crate) fn router(state: RouterState) -> Router {
    Router::new()
        .route("/registry/v1/table", get(table))
        .route("/registry/v1/load", post(load))
        .layer(DefaultBodyLimit::max(MAX_REPORT_BYTES))
        .with_state(state)
}

/// Answers the table: 200 with a strong `ETag`, 304 if the client has it, 503 before the first.
///
/// Equal epochs have equal bytes, so the epoch is the tag.
async fn table(
    State(mut state): State<RouterState>,
    Query(query): Query<TableQuery>,
    headers: HeaderMap,
) -> Response {
    if let Some(known) = query.watch {
        tokio::select! {
            biased;
            () = state.stop.cancelled() => {}
            // If no table will come any more, what is there is answered at once.
            _ = state.feed.newer_than(known) => {}
            () = tokio::time::sleep(state.watch_bound) => {}
        }
    }
    let Some(table) = state.feed.current() else {
        let problem = r#"{"type":"about:blank","title":"no table yet","status":503,"code":"unavailable"}"#;
        let headers = [(CONTENT_TYPE, "application/problem+json"), (RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, headers, problem).into_response();
    };
    let tag = format!("\"{}\"", table.epoch);
    let known = query.watch.is_some_and(|known| table.epoch <= known) || names(&headers, &tag);
    let headers = [(ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, Json(&*table)).into_response()
}

/// Says whether `If-None-Match` names the tag (RFC 9110, 13.1.2).
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    listed
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|listed| listed == "*" || listed.trim_start_matches("W/") == tag)
}

/// Takes in a load report: 204, or 404 from a shard that is not in the table.
async fn load(State(state): State<RouterState>, Json(report): Json<LoadReport>) -> StatusCode {
    if state.loads.take(&report) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
