//! Calls over HTTP, each on a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::shared::Shared;
use crate::dice::Dice;

/// How long an answer is waited for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

/// Makes a request be carried out once, however often it is made.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A device's way to the api role.
pub(super) struct Http {
    shared: Arc<Shared>,
    /// The device's name on the network.
    from: String,
    token: String,
    dice: Dice,
}

/// What a call asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// Carried out once for each of these.
    pub(super) key: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    body: Bytes,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Http {
    pub(super) fn new(shared: Arc<Shared>, from: &str, token: String, dice: Dice) -> Self {
        Self { shared, from: from.to_owned(), token, dice }
    }

    /// Gives the token, for sockets.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Makes a call of one of the replicas; nothing if no answer comes in time.
    pub(super) async fn ask(&self, asked: Asked) -> Option<Reply> {
        let api = self.shared.api(&self.dice);
        timeout(ANSWERED_WITHIN, Box::pin(self.exchange(&api, asked))).await.ok().flatten()
    }

    async fn exchange(&self, api: &str, asked: Asked) -> Option<Reply> {
        let mut request = Request::builder()
            .method(asked.method)
            .uri(asked.path)
            .header(HOST, api)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if asked.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = asked.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        let request = request.body(Full::new(Bytes::from(asked.body.unwrap_or_default()))).ok()?;
        let pipe = self.shared.network.connect(&self.from, api).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(pipe)).await.ok()?;
        let answer = async move {
            let response = sender.send_request(request).await.ok()?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            Some(Reply { status, body })
        };
        // The connection ends once the sender is gone.
        join(answer, connection).await.0
    }
}

impl Asked {
    /// Asks to be given something.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, key: None }
    }
}

impl Reply {
    /// Reads the body.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Gives the code of a refusal.
    pub(super) fn code(&self) -> String {
        self.read::<Problem>().map_or_else(|| format!("status {}", self.status), |problem| problem.code)
    }
}
