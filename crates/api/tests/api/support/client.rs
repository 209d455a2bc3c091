//! A client of one request a connection, which checks each answer against the OpenAPI document.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::User;
use super::document::check_reply;

/// A request that is not yet sent.
pub(crate) struct Request {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    request: String,
}

impl Request {
    pub(crate) fn new(address: SocketAddr, method: Method, path: impl Into<String>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("chat.test"));
        Self { address, method, path: path.into(), headers, body: Bytes::new() }
    }

    pub(crate) fn by(self, user: &User) -> Self {
        self.token(&user.token)
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    /// Sets a body that is declared as JSON, whatever it is.
    pub(crate) fn raw(mut self, body: impl Into<Bytes>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .body(Full::new(self.body))
            .unwrap();
        *request.headers_mut() = self.headers;
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let reply = Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
            request: format!("{} {}", self.method, self.path),
        };
        check_reply(&self.method, &self.path, &reply);
        reply
    }
}

impl Reply {
    /// Checks the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.request, String::from_utf8_lossy(&self.body));
        self
    }

    /// Checks that it is a problem of this status and code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.text("code"), code, "{}: {}", reply.request, reply.json());
        reply
    }

    /// Checks that it is a problem for which this field is to blame.
    #[track_caller]
    pub(crate) fn blames(self, field: &str) -> Self {
        assert_eq!(self.json()["field"], field, "{}: {}", self.request, self.json());
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Gives a text member of the body.
    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("{}: no {member} in {json}", self.request)).to_owned()
    }

    /// Gives the items of a page.
    #[track_caller]
    pub(crate) fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().unwrap().clone()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
