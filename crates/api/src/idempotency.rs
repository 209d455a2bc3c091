//! `Idempotency-Key`: a request that is made again is carried out once, and gets the first answer again.
//!
//! Only answers of success are kept: a refusal changed nothing, so the request may as well be carried out. Answers that
//! carry tokens are not kept at all; the calls that give them are not in this layer.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_edge::{BODY_TIMEOUT, MAX_BODY_BYTES};
use parking_lot::Mutex;
use ports::Remembered;
use protocol::ErrorCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::address::ClientAddress;
use crate::api::Api;
use crate::authenticate::Principal;
use crate::failure::{Answer, Failure};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in bytes.
const MAX_KEY: usize = 255;
/// How long an answer is kept, in milliseconds.
const KEPT: u64 = 24 * 3_600_000;
/// Which headers of an answer are kept.
const HEADERS: [HeaderName; 2] = [CONTENT_TYPE, LOCATION];

/// The name of a request: a digest of who makes it, to what, and under which key.
type RequestKey = [u8; 32];

/// The requests that are being carried out under a key: one that is made again meanwhile waits.
#[derive(Default)]
pub(crate) struct Repeats {
    running: Mutex<HashMap<RequestKey, Arc<tokio::sync::Mutex<()>>>>,
}

/// A request's turn: it has the lock of its key, or waits for it.
struct Turn<'a> {
    repeats: &'a Repeats,
    name: RequestKey,
    lock: Arc<tokio::sync::Mutex<()>>,
}

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Carries a request with an `Idempotency-Key` out once.
pub(crate) async fn once(State(api): State<Arc<Api>>, request: Request, next: Next) -> Answer<Response> {
    let Some(key) = request.headers().get(HEADER).cloned() else {
        return Ok(next.run(request).await);
    };
    check(&key)?;
    let oversized = request.body().size_hint().lower() > MAX_BODY_BYTES as u64;
    let (mut parts, body) = request.into_parts();
    let scope = scope(&mut parts, &api).await?;
    if oversized {
        // The handler refuses it as it refuses any.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    let body = read(body).await?;
    let name = digest([scope.as_bytes(), parts.uri.path().as_bytes(), key.as_bytes()]);
    let request_digest = fingerprint(&body);
    let request = Request::from_parts(parts, Body::from(body));
    // On a task of its own: it is carried out and noted even if the client goes away, which is when clients ask again.
    let running = api.tasks.clone().spawn(async move {
        let turn = api.repeats.turn(name);
        let _mine = turn.lock.lock().await;
        carry_out(&api, name, request_digest, request, next).await
    });
    running.await.map_err(|error| {
        tracing::error!(%error, "a handler panicked");
        Failure::new(ErrorCode::Internal)
    })?
}

async fn carry_out(
    api: &Api,
    name: RequestKey,
    digest: [u8; 32],
    request: Request,
    next: Next,
) -> Answer<Response> {
    let now = api.clock.now();
    if let Some(remembered) = api.store.remembered(&name, now).await? {
        if remembered.request != digest {
            return Err(Failure::because(
                ErrorCode::IdConflict,
                "the idempotency key came before with another body",
            ));
        }
        return replay(&remembered.answer);
    }
    let (parts, body) = next.run(request).await.into_parts();
    if !parts.status.is_success() {
        return Ok(Response::from_parts(parts, body));
    }
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let answer = serde_json::to_vec(&Kept::new(parts.status, &parts.headers, &body)).unwrap_or_default();
    let remembered = Remembered { request: digest.to_vec(), answer, expires_at: now.plus(KEPT) };
    if let Err(error) = api.store.remember(name.to_vec(), remembered, now).await {
        tracing::warn!(%error, "an answer was not kept for a repetition");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

impl Repeats {
    fn turn(&self, name: RequestKey) -> Turn<'_> {
        let lock = self.running.lock().entry(name).or_default().clone();
        Turn { repeats: self, name, lock }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = self.repeats.running.lock();
        // Turns are made and dropped under this lock, so the count is exact: this turn's and the map's own.
        if Arc::strong_count(&self.lock) == 2 {
            running.remove(&self.name);
        }
        self.lock = Arc::default();
    }
}

impl Kept {
    fn new(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let kept = HEADERS.iter().filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        Self {
            status: status.as_u16(),
            headers: kept.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

fn replay(answer: &[u8]) -> Answer<Response> {
    let unreadable = || Failure::new(ErrorCode::Internal);
    let kept: Kept = serde_json::from_slice(answer).map_err(|_| unreadable())?;
    let status = StatusCode::from_u16(kept.status).map_err(|_| unreadable())?;
    let mut response = (status, kept.body).into_response();
    response.headers_mut().remove(CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn check(key: &HeaderValue) -> Answer<()> {
    let fits = (1..=MAX_KEY).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    if fits {
        Ok(())
    } else {
        Err(Failure::field("Idempotency-Key", "must have 1 to 255 printable ASCII characters without blanks"))
    }
}

/// Says whose key it is: the user's, the service's, or the address's of those who need no token.
async fn scope(parts: &mut Parts, api: &Arc<Api>) -> Answer<String> {
    if !parts.headers.contains_key(AUTHORIZATION) {
        let address = ClientAddress::from_request_parts(parts, api).await?;
        return Ok(format!("address {}", address.0));
    }
    Ok(match Principal::from_request_parts(parts, api).await? {
        Principal::User(identity) => format!("user {}", identity.user),
        Principal::Service(token) => format!("service {}", token.service),
    })
}

async fn read(body: Body) -> Answer<Bytes> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Failure::new(ErrorCode::TooLarge).with_field("body")),
        Err(_) => Err(Failure::because(ErrorCode::Malformed, "the body did not arrive in time")),
    }
}

/// Digests a body, without a password in it: a fast digest of it must not be stored.
fn fingerprint(body: &[u8]) -> [u8; 32] {
    let Ok(serde_json::Value::Object(mut members)) = serde_json::from_slice(body) else {
        return digest([body]);
    };
    members.remove("password");
    digest([serde_json::to_vec(&members).unwrap_or_default().as_slice()])
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length before each part, so that no two lists of parts read alike.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_request_has_the_same_fingerprint() {
        let fingerprint = |text: &str| fingerprint(text.as_bytes());
        assert_eq!(fingerprint(r#"{"a":1,"b":[2]}"#), fingerprint(r#"{ "b": [2], "a": 1 }"#));
        assert_ne!(fingerprint(r#"{"a":1}"#), fingerprint(r#"{"a":2}"#));
        assert_ne!(fingerprint("[1]"), fingerprint("[2]"));
    }

    #[test]
    fn no_password_goes_into_a_fingerprint() {
        let with = |password: &str| {
            fingerprint(format!(r#"{{"username":"ada","password":"{password}"}}"#).as_bytes())
        };
        assert_eq!(with("one"), with("two"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
    }

    #[test]
    fn a_lock_is_forgotten_when_nobody_needs_it() {
        let repeats = Repeats::default();
        let (first, second) = (repeats.turn([1; 32]), repeats.turn([1; 32]));
        assert!(Arc::ptr_eq(&first.lock, &second.lock));
        drop(first);
        assert_eq!(repeats.running.lock().len(), 1);
        drop(second);
        assert!(repeats.running.lock().is_empty());
    }
}
