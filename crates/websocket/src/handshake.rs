//! From an HTTP request to the two halves of a WebSocket (RFC 6455 §4.2).

use crate::transport::tcp_halves;
use crate::{Limits, Reader, Transport, Writer};
use bytes::Bytes;
use fastwebsockets::WebSocketError;
use fastwebsockets::upgrade::is_upgrade_request;
use http::header::{
    ALLOW, CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// How much unsent data the kernel takes before the socket counts as full, in bytes: what a slow reader leaves behind
/// waits in the connection's own queue, where it is counted, and not in the kernel's megabytes.
#[cfg(target_os = "linux")]
const UNSENT_LOW_WATER: u32 = 128 * 1024;

/// A handshake that was answered; its connection is a WebSocket once the answer is written.
#[derive(Debug)]
pub struct Upgrade {
    on_upgrade: OnUpgrade,
}

/// Why a request is no handshake that the server can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The method is not GET.
    #[error("a websocket is opened by get")]
    Method,
    /// The request asks for no upgrade to a WebSocket.
    #[error("not an upgrade to a websocket")]
    NotUpgrade,
    /// The version of the protocol is not 13.
    #[error("websocket version is not 13")]
    Version,
    /// The key is missing, repeated, or not 16 bytes in base64.
    #[error("invalid sec-websocket-key")]
    Key,
}

/// Why an answered handshake gave no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The HTTP connection ended before the answer was written.
    #[error("http connection ended before the upgrade")]
    Http(#[from] hyper::Error),
    /// The HTTP server's connection is neither a plain `TokioIo<TcpStream>` nor a `TokioIo<Transport>`.
    #[error("upgraded connection is of an unknown kind")]
    Transport,
    /// The socket refused an option; it is most likely dead.
    #[error("cannot set a socket option")]
    Socket(#[from] io::Error),
}

/// Checks a handshake, and gives the response to send and the connection to come.
///
/// `subprotocol` is what the server speaks; the response names it if the client offered it, and nothing else that the
/// client offered (it may be a secret). Extensions are not agreed to. Origin and credentials are for the caller to check.
///
/// # Errors
///
/// What is wrong with the request; [`HandshakeError::status`] and [`HandshakeError::headers`] say how to answer.
pub fn accept<B>(
    request: &mut Request<B>,
    subprotocol: Option<&str>,
) -> Result<(Response<Empty<Bytes>>, Upgrade), HandshakeError> {
    if request.method() != Method::GET {
        return Err(HandshakeError::Method);
    }
    if !is_upgrade_request(request) {
        return Err(HandshakeError::NotUpgrade);
    }
    check_key(request.headers())?;
    let on_upgrade = hyper::upgrade::on(&mut *request);
    let (mut response, _) =
        fastwebsockets::upgrade::upgrade::<B>(&mut *request).map_err(|error| match error {
            WebSocketError::InvalidSecWebsocketVersion => HandshakeError::Version,
            _ => HandshakeError::Key,
        })?;
    if let Some(name) = subprotocol.filter(|name| is_offered(request.headers(), name))
        && let Ok(value) = HeaderValue::from_str(name)
    {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
    Ok((response, Upgrade { on_upgrade }))
}

/// Checks that there is one key, of 16 bytes in base64.
fn check_key(headers: &HeaderMap) -> Result<(), HandshakeError> {
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(HandshakeError::Key);
    };
    let digits = key.as_bytes().strip_suffix(b"==").ok_or(HandshakeError::Key)?;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if digits.len() == 22 && digits.iter().all(is_base64) { Ok(()) } else { Err(HandshakeError::Key) }
}

fn is_offered(headers: &HeaderMap, subprotocol: &str) -> bool {
    let lists = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offers = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    offers.any(|offer| offer.trim_ascii() == subprotocol.as_bytes())
}

impl HandshakeError {
    /// Gives the status of the response.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Key => StatusCode::BAD_REQUEST,
        }
    }

    /// Gives the headers that a response with this status must have.
    pub fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            Self::NotUpgrade | Self::Version => {
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            Self::Key => {}
        }
        headers
    }
}

impl Upgrade {
    /// Waits until the response is written, and gives the halves of the connection.
    ///
    /// # Errors
    ///
    /// The client went away first, or the HTTP server serves neither plain TCP streams nor [`Transport`]s with upgrades.
    pub async fn complete(self, limits: Limits) -> Result<(Reader, Writer), UpgradeError> {
        let upgraded = self.on_upgrade.await?;
        let (received, (read_half, write_half)) = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => {
                let stream = parts.io.into_inner();
                set_options(&stream, &limits)?;
                (parts.read_buf, tcp_halves(stream))
            }
            Err(upgraded) => {
                let parts = upgraded.downcast::<TokioIo<Transport>>().map_err(|_| UpgradeError::Transport)?;
                (parts.read_buf, parts.io.into_inner().into_halves())
            }
        };
        Ok((Reader::new(read_half, &received, limits), Writer::new(write_half)))
    }
}

/// Makes the socket send at once, notice a dead peer, and keep little unsent.
fn set_options(stream: &TcpStream, limits: &Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(stream);
        socket.set_tcp_user_timeout(Some(limits.unacknowledged_timeout))?;
        socket.set_tcp_notsent_lowat(UNSENT_LOW_WATER)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = limits;
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::{HandshakeError, accept};
    use http::header::SEC_WEBSOCKET_PROTOCOL;
    use http::{Request, StatusCode};

    /// The example of RFC 6455 §1.3.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn request(changes: &[(&str, Option<&str>)]) -> Request<()> {
        let mut headers = vec![
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        headers.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        headers.extend(changes.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        let builder = headers
            .into_iter()
            .fold(Request::builder(), |builder, (name, value)| builder.header(name, value));
        builder.body(()).unwrap()
    }

    fn error(changes: &[(&str, Option<&str>)]) -> Option<HandshakeError> {
        accept(&mut request(changes), None).err()
    }

    fn subprotocol(offered: &str) -> Option<String> {
        let (response, _) =
            accept(&mut request(&[("sec-websocket-protocol", Some(offered))]), Some("chatapp.v1")).unwrap();
        let value = response.headers().get(SEC_WEBSOCKET_PROTOCOL)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn handshake_is_answered_with_the_accept_key() {
        let (response, _) = accept(&mut request(&[]), None).unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()["upgrade"], "websocket");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }

    #[test]
    fn only_the_given_subprotocol_is_named_and_only_if_offered() {
        assert_eq!(subprotocol("chatapp.v1, chatapp.bearer.secret").as_deref(), Some("chatapp.v1"));
        assert_eq!(subprotocol("chatapp.bearer.secret,chatapp.v1").as_deref(), Some("chatapp.v1"));
        assert_eq!(subprotocol("chatapp.v10"), None);
        assert_eq!(subprotocol("CHATAPP.V1"), None);
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        assert_eq!(error(&[("upgrade", None)]), Some(HandshakeError::NotUpgrade));
        assert_eq!(error(&[("upgrade", Some("h2c"))]), Some(HandshakeError::NotUpgrade));
        assert_eq!(error(&[("connection", Some("close"))]), Some(HandshakeError::NotUpgrade));
        assert_eq!(error(&[("sec-websocket-version", None)]), Some(HandshakeError::Version));
        assert_eq!(error(&[("sec-websocket-version", Some("8"))]), Some(HandshakeError::Version));
        assert_eq!(error(&[("sec-websocket-key", None)]), Some(HandshakeError::Key));
        assert_eq!(error(&[("sec-websocket-key", Some("c2hvcnQ="))]), Some(HandshakeError::Key));
        assert_eq!(
            error(&[("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25j!Q=="))]),
            Some(HandshakeError::Key)
        );
        let twice = [("sec-websocket-key", Some(KEY)), ("sec-websocket-key", Some(KEY))];
        assert_eq!(error(&twice), Some(HandshakeError::Key));
        let mut post = request(&[]);
        *post.method_mut() = http::Method::POST;
        assert_eq!(accept(&mut post, None).err(), Some(HandshakeError::Method));
    }
}
