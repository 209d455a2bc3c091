//! Reading small bodies before anything answers.
//!
//! A request that is answered before its body was read (for want of a token, say) leaves the body on the connection, which then has to
//! be closed, and the client's next request on it fails. Small bodies are read first, so that the connection lives on.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::extract::malformed;
use crate::{BODY_TIMEOUT, MAX_BODY_BYTES};

pub(super) async fn read(request: Request, next: Next) -> Response {
    let length = request.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    if !length.is_some_and(|length| (1..=MAX_BODY_BYTES).contains(&length)) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => malformed("the body ended early").into_response(),
        Err(_) => malformed("the body did not arrive in time").into_response(),
    }
}
