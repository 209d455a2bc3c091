//! HTTP calls to the api role.

use std::sync::Arc;
use std::time::Duration;

use protocol::account::{LoggedIn, Refresh, Secret, SignUp, User};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};
use rustls::ClientConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::calls::Call;
use crate::{Error, Problem, tls};

/// The largest answer that is read, in bytes: a page of 200 messages of the greatest length fits twice.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// A server, and the calls that need no login; cheap to clone, its connections are shared.
#[derive(Clone, Debug)]
pub struct Http {
    base: Url,
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
}

/// A problem document, as far as it is needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ProblemDocument {
    code: String,
    title: String,
    detail: String,
}

impl Http {
    /// Takes the server's address, for example `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`], or [`Error::Tls`].
    pub fn new(base: &str) -> Result<Self, Error> {
        let base = Url::parse(base).map_err(|_| Error::InvalidAddress)?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(Error::InvalidAddress);
        }
        let tls = tls::configuration()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.as_ref().clone())
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            // A token goes to the server that was named and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::Unreachable)?;
        Ok(Self { base, client, tls })
    }

    /// Gives the server's address.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    /// Makes an account.
    ///
    /// # Errors
    /// The server refuses with `username_taken`, `invalid_username` or `weak_password`.
    pub async fn sign_up(&self, account: &SignUp) -> Result<User, Error> {
        self.ask(&Call::post(["api", "signup"]).json(account), None).await
    }

    /// Exchanges a refresh token; `key` makes a repetition after a lost answer the same request.
    pub(crate) async fn refresh(&self, refresh_token: Secret, key: String) -> Result<LoggedIn, Error> {
        let call = Call::post(["api", "token", "refresh"]).json(&Refresh { refresh_token }).key(key);
        self.ask(&call, None).await
    }

    /// Makes a call and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        call: &Call,
        token: Option<&Secret>,
    ) -> Result<T, Error> {
        let answer = self.send(call, token).await?;
        serde_json::from_slice(&answer).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// Makes a call and gives the answer's body.
    pub(crate) async fn send(&self, call: &Call, token: Option<&Secret>) -> Result<Vec<u8>, Error> {
        let mut request = self.client.request(call.method.clone(), self.url(call)?);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, bearer(token)?);
        }
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(Error::Unreachable)?;
        let (status, retry_after) = (response.status(), retry_after(response.headers().get(RETRY_AFTER)));
        let body = read(response).await?;
        if status.is_success() {
            return Ok(body);
        }
        Err(Error::Refused(problem(status.as_u16(), retry_after, &body)))
    }

    /// Gives the WebSocket address of a path on this server.
    pub(crate) fn socket_url(&self, path: &str) -> Result<String, Error> {
        socket_url(self.base.as_str(), path)
    }

    /// Says whether the server is spoken to through TLS: then its sockets are, too.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Gives the TLS configuration.
    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    fn url(&self, call: &Call) -> Result<Url, Error> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| Error::InvalidAddress)?.pop_if_empty().extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }
}

/// Makes the WebSocket address of `path` from an address that may lack it, and may have the scheme of HTTP.
pub(crate) fn socket_url(address: &str, path: &str) -> Result<String, Error> {
    let address = match address.split_once("://") {
        Some(("http" | "ws", rest)) => format!("ws://{rest}"),
        Some(("https" | "wss", rest)) => format!("wss://{rest}"),
        _ => return Err(Error::InvalidAddress),
    };
    let mut url = Url::parse(&address).map_err(|_| Error::InvalidAddress)?;
    if url.path_segments().and_then(|mut segments| segments.next_back()) != Some(path) {
        url.path_segments_mut().map_err(|()| Error::InvalidAddress)?.pop_if_empty().push(path);
    }
    Ok(url.into())
}

/// Makes the header's value, which no log shows.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Error::Unreadable("the token is not a header's value".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a `Retry-After` in seconds.
pub(crate) fn retry_after(value: Option<&HeaderValue>) -> Option<Duration> {
    value.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok()).map(Duration::from_secs)
}

/// Reads a problem document; what is none has no code.
pub(crate) fn problem(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Problem {
    let document: ProblemDocument = serde_json::from_slice(body).unwrap_or_default();
    let detail = if document.detail.is_empty() { document.title } else { document.detail };
    Problem { status: Some(status), code: document.code, detail, retry_after }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::Unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Error::Unreadable("it is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use super::*;

    #[test]
    fn socket_addresses_are_completed() {
        for (address, expected) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/chat"),
            ("https://chat.example/", "wss://chat.example/chat"),
            ("ws://chat-1.example:9000/chat", "ws://chat-1.example:9000/chat"),
            ("wss://chat.example/shards/chat-1", "wss://chat.example/shards/chat-1/chat"),
        ] {
            assert_eq!(socket_url(address, "chat").unwrap(), expected);
        }
        assert!(socket_url("ftp://chat.example", "chat").is_err());
        assert!(socket_url("chat.example", "chat").is_err());
    }

    #[test]
    fn paths_and_queries_are_escaped() {
        let http = Http::new("http://127.0.0.1:8080/base/").unwrap();
        let call = Call::get(["api", "users", "a/../b"]).query("query", "ä&b=c");
        assert_eq!(
            http.url(&call).unwrap().as_str(),
            "http://127.0.0.1:8080/base/api/users/a%2F..%2Fb?query=%C3%A4%26b%3Dc"
        );
    }

    #[test]
    fn what_is_no_problem_document_still_has_a_status() {
        let read = problem(502, None, b"<html>");
        assert_eq!((read.status, read.code.as_str()), (Some(502), ""));
        assert_eq!(read.to_string(), "the server answered with status 502");
    }

    #[test]
    fn only_http_addresses_are_taken() {
        for bad in ["", "127.0.0.1:8080", "ftp://example.org", "http://"] {
            assert!(matches!(Http::new(bad), Err(Error::InvalidAddress)), "{bad}");
        }
    }
}
