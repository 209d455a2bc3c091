//! What goes around every router.

mod access_log;
mod failures;
mod request_id;
mod security_headers;
mod small_bodies;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use http::HeaderValue;

pub use access_log::{Exchange, Observer};
pub use request_id::RequestId;

use crate::MAX_BODY_BYTES;

/// What differs between the edges of roles.
#[derive(Clone, Default)]
pub struct EdgeOptions {
    /// The content security policy of HTML pages; without one a page may load and run nothing.
    pub page_policy: Option<HeaderValue>,
    /// Sees every exchange after its response was made, for metrics.
    pub observer: Option<Observer>,
}

/// Wraps a router: a request id, the access log, security headers, and problem documents for whatever fails outside of
/// the handlers (no such path, no such method, a panic).
pub fn harden(router: Router, options: EdgeOptions) -> Router {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn(small_bodies::read))
        .layer(from_fn(failures::to_problems))
        .layer(from_fn_with_state(options.page_policy, security_headers::add))
        .layer(from_fn_with_state(options.observer, access_log::record))
        .layer(from_fn(request_id::assign))
}
