//! Problem documents for what fails outside of the handlers.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use protocol::ErrorCode;

use crate::Problem;

/// Turns a panic into a 500 that says nothing, and errors without a document of their own into problems.
pub(super) async fn to_problems(request: Request, next: Next) -> Response {
    // A handler owns what it works on: nothing half-done is seen by others after its panic.
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) if is_bare_failure(&response) => described(&response),
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a handler panicked");
            Problem::new(ErrorCode::Internal).into_response()
        }
    }
}

/// Tells whether a failure has no body or one in plain text, as the framework's own failures do.
fn is_bare_failure(response: &Response) -> bool {
    let status = response.status();
    let plain = |value: &http::HeaderValue| value.as_bytes().starts_with(b"text/plain");
    (status.is_client_error() || status.is_server_error())
        && response.headers().get(CONTENT_TYPE).is_none_or(plain)
}

/// Puts a document into the failure; its headers (`Allow`, `Retry-After`, `Upgrade`) stay, but for those of its body.
fn described(bare: &Response) -> Response {
    let mut response = Problem::from_status(bare.status()).into_response();
    for (name, value) in bare.headers() {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::StatusCode;
    use http::header::UPGRADE;

    use super::*;

    #[test]
    fn a_bare_failure_keeps_its_headers_but_for_those_of_its_body() {
        let bare = Response::builder()
            .status(StatusCode::UPGRADE_REQUIRED)
            .header(UPGRADE, "websocket")
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_LENGTH, "7")
            .body(Body::from("bad luck"))
            .unwrap();
        assert!(is_bare_failure(&bare));
        let described = described(&bare);
        assert_eq!(described.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(described.headers()[UPGRADE], "websocket");
        assert_eq!(described.headers().get_all(CONTENT_TYPE).iter().count(), 1);
        assert_eq!(described.headers()[CONTENT_TYPE], "application/problem+json");
        assert!(!described.headers().contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn pages_and_documents_are_no_bare_failures() {
        for content_type in ["text/html", "application/problem+json", "application/json"] {
            let response =
                Response::builder().status(404).header(CONTENT_TYPE, content_type).body(Body::empty());
            assert!(!is_bare_failure(&response.unwrap()), "{content_type}");
        }
        assert!(!is_bare_failure(&Response::new(Body::empty())));
    }
}
