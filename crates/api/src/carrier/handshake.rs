//! Passing a handshake on to a shard, and its answer back.

use std::io;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::Empty;
use http_edge::RequestId;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ports::{Dial, Stream, Tasks};
use tokio::time::timeout;

use crate::address::ClientAddress;

/// What concerns one connection only (RFC 9110, 7.6.1), and the length of a body that is not passed on.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    CONTENT_LENGTH,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Where the client is, for the shard: this process is the one proxy in front of it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The largest head of an answer, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// A client's handshake, as it is passed on; to another shard if the first cannot be reached.
pub(super) struct Handshake {
    uri: Uri,
    headers: HeaderMap,
}

/// Why a shard gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreachable {
    /// The table's address is not one of plain HTTP.
    #[error("its address cannot be connected to")]
    Address,
    /// It did not accept, or did not answer in time.
    #[error("it did not answer in time")]
    Late,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    /// The exchange failed.
    #[error("the exchange failed: {0}")]
    Exchange(#[from] hyper::Error),
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
}

impl Handshake {
    /// Takes what is passed on of a request.
    pub(super) fn new(request: &Request, address: ClientAddress) -> Self {
        let mut headers = end_to_end(request.headers());
        if let Some(protocol) = request.headers().get(UPGRADE) {
            headers.insert(UPGRADE, protocol.clone());
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if let Ok(address) = HeaderValue::from_str(&address.0.to_string()) {
            headers.insert(FORWARDED_FOR, address);
        }
        if let Some(id) = request.extensions().get::<RequestId>()
            && let Ok(id) = HeaderValue::from_str(id.as_str())
        {
            headers.insert(REQUEST_ID, id);
        }
        // The host stays the client's: the shard compares it with the page's origin.
        let uri = request.uri().path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        Self { uri, headers }
    }

    /// Sends the handshake over a connection, whose task lives as long as the answer or the socket does.
    pub(super) async fn send(
        &self,
        stream: Box<dyn Stream>,
        patience: Duration,
        tasks: &Tasks,
    ) -> Result<http::Response<Incoming>, Unreachable> {
        let mut request = http::Request::get(self.uri.clone()).body(Empty::<Bytes>::new())?;
        *request.headers_mut() = self.headers.clone();
        let (mut sender, connection) =
            http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
        tasks.spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a shard's connection ended");
            }
        });
        Ok(timeout(patience, sender.send_request(request)).await.map_err(|_| Unreachable::Late)??)
    }
}

/// Connects to a shard by the address that the table has of it.
pub(super) async fn connect(
    dial: &dyn Dial,
    url: &str,
    patience: Duration,
) -> Result<Box<dyn Stream>, Unreachable> {
    let authority = authority(url).ok_or(Unreachable::Address)?;
    let connecting = dial.dial(authority.as_str());
    Ok(timeout(patience, connecting).await.map_err(|_| Unreachable::Late)??)
}

/// Makes the head of the answer for the client.
pub(super) fn to_client<B>(answer: &http::Response<B>) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = answer.status();
    let headers = response.headers_mut();
    *headers = end_to_end(answer.headers());
    // What these two say is about the upgrade itself.
    if matches!(answer.status(), StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED)
        && let Some(protocol) = answer.headers().get(UPGRADE)
    {
        headers.insert(UPGRADE, protocol.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    response
}

/// Leaves out what concerns one connection only, also what the `Connection` header names.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let listed: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passed_on =
        |name: &HeaderName| !HOP_BY_HOP.contains(name) && !listed.iter().any(|other| name == other.as_str());
    headers
        .iter()
        .filter(|(name, _)| passed_on(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn authority(url: &str) -> Option<Authority> {
    let uri: Uri = url.parse().ok()?;
    uri.authority().filter(|_| matches!(uri.scheme_str(), Some("ws" | "http"))).cloned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use axum::body::Body;

    use super::*;

    #[test]
    fn addresses_of_plain_http_can_be_connected_to() {
        let read = |url: &str| authority(url).map(|authority| authority.to_string());
        assert_eq!(read("ws://chat-0.chat:9001").as_deref(), Some("chat-0.chat:9001"));
        assert_eq!(read("http://10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(read("ws://[::1]:9001/").as_deref(), Some("[::1]:9001"));
        for wrong in ["wss://chat-0", "chat-0:9001", "", "ws://"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_concerns_one_connection_is_not_passed_on() {
        let request = http::Request::get("http://chat.example.com/chat?ticket=t")
            .header("host", "chat.example.com")
            .header("connection", "Upgrade, X-Private")
            .header("upgrade", "websocket")
            .header("x-private", "1")
            .header("transfer-encoding", "chunked")
            .header("x-forwarded-for", "6.6.6.6")
            .header("sec-websocket-key", "k")
            .body(Body::empty())
            .unwrap();
        let handshake = Handshake::new(&request, ClientAddress("1.2.3.4".parse().unwrap()));
        let mut names: Vec<_> =
            handshake.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        names.sort_by_key(|(name, _)| *name);
        assert_eq!(
            names,
            [
                ("connection", "upgrade"),
                ("host", "chat.example.com"),
                ("sec-websocket-key", "k"),
                ("upgrade", "websocket"),
                ("x-forwarded-for", "1.2.3.4"),
            ]
        );
        assert_eq!(handshake.uri, "/chat?ticket=t");
    }
}
