//! Asking a shard how it is.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::uri::Uri;
use ports::Dial;

use crate::client::{Client, ClientError};

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It takes users.
    Ready,
    /// It answers, but something else than that.
    NotReady,
    /// It does not answer in time.
    Unreachable,
}

/// Asks `/healthz/ready` below the given address.
pub(crate) async fn probe(dial: &Arc<dyn Dial>, operator_url: &str, timeout: Duration) -> Outcome {
    let answer = match operator_url.parse::<Uri>() {
        Ok(uri) => Client::new(uri, Arc::clone(dial)).get("/healthz/ready", timeout).await,
        Err(_) => Err(ClientError::Address),
    };
    match answer {
        Ok(response) if response.status() == StatusCode::OK => Outcome::Ready,
        Ok(_) => Outcome::NotReady,
        Err(error) => {
            tracing::debug!(operator_url, %error, "probe failed");
            Outcome::Unreachable
        }
    }
}
