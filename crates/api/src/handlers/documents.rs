//! The documents that describe the interface, and the public keys.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http_edge::Json;

use crate::api::Api;

/// The HTTP calls, as OpenAPI 3.1 has them.
const OPENAPI: &str = include_str!("../../documents/openapi.json");
/// The sockets' frames, as AsyncAPI 3.0 has them.
const ASYNCAPI: &str = include_str!("../../documents/asyncapi.json");

/// They change with the program only.
const AN_HOUR: &str = "public, max-age=3600";
/// Shorter than a new key is published before it signs.
const FIVE_MINUTES: &str = "public, max-age=300";

/// `GET /api/openapi.json`
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, AN_HOUR)], OPENAPI)
}

/// `GET /api/asyncapi.json`
pub(crate) async fn asyncapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, AN_HOUR)], ASYNCAPI)
}

/// `GET /api/jwks.json`
pub(crate) async fn jwks(State(api): State<Arc<Api>>) -> impl IntoResponse {
    ([(CACHE_CONTROL, FIVE_MINUTES)], Json(api.keys.jwks()))
}
