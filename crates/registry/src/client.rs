//! A small HTTP client for talking between the processes of one cluster.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use placement::{Epoch, Table};
use ports::Dial;

use crate::report::LoadReport;

/// The largest answer that is read, in bytes; a table of 256 shards for each service has about 100 KiB.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// How long a request may take that is not held open.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than it asked the registry to wait the client waits itself.
const WATCH_GRACE: Duration = Duration::from_secs(5);

/// Talks plain HTTP/1.1 with one address: the registry, or a shard's operators' port.
///
/// Each request has a connection of its own, which is dropped with the future: no task and no pool outlives it.
#[derive(Clone, Debug)]
pub struct Client {
    base: Uri,
    dial: Arc<dyn Dial>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is not `http://host:port`.
    #[error("the address is not http://host:port")]
    Address,
    /// No answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection could not be made, or broke.
    #[error("no connection")]
    Connection(#[from] std::io::Error),
    /// What came is not HTTP.
    #[error("the exchange broke off")]
    Http(#[from] hyper::Error),
    /// The body was cut off or too large.
    #[error("the answer could not be read")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer has a status that is not one of those expected.
    #[error("status {0}")]
    Status(StatusCode),
    /// The answer is not what was asked for.
    #[error("the answer is not valid")]
    Json(#[from] serde_json::Error),
}

impl Client {
    /// Will talk with `base`, which is `http://host:port`, over connections of `dial`; a path in it is ignored.
    #[must_use]
    pub fn new(base: Uri, dial: Arc<dyn Dial>) -> Self {
        Self { base, dial }
    }

    /// Gets the registry's table once it is newer than `known`; `None` if it is not within the registry's bound.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; `patience` should be over the bound for which the registry holds the request.
    pub async fn newer_table(&self, known: Epoch, patience: Duration) -> Result<Option<Table>, ClientError> {
        let answer = self.get(&format!("/registry/v1/table?watch={known}"), patience + WATCH_GRACE).await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(serde_json::from_slice(answer.body())?)),
            StatusCode::NOT_MODIFIED => Ok(None),
            status => Err(ClientError::Status(status)),
        }
    }

    /// Reports a shard's load to the registry.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; a report may be lost, the next one makes up for it.
    pub async fn report(&self, report: &LoadReport) -> Result<(), ClientError> {
        self.post("/registry/v1/load", serde_json::to_vec(report)?.into()).await?;
        Ok(())
    }

    /// Posts JSON to a path, and gives the body of the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; also if the answer is anything else than a success.
    pub async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, ClientError> {
        let answer = self.exchange(Method::POST, path, body, TIMEOUT).await?;
        if answer.status().is_success() {
            Ok(answer.into_body())
        } else {
            Err(ClientError::Status(answer.status()))
        }
    }

    /// Gets whatever is at a path.
    pub(crate) async fn get(&self, path: &str, timeout: Duration) -> Result<Response<Bytes>, ClientError> {
        self.exchange(Method::GET, path, Bytes::new(), timeout).await
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Response<Bytes>, ClientError> {
        let exchange = Box::pin(self.exchange_unbounded(method, path, body));
        tokio::time::timeout(timeout, exchange).await.map_err(|_| ClientError::Timeout)?
    }

    async fn exchange_unbounded(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, ClientError> {
        let authority = self.base.authority().filter(|_| self.base.scheme_str() == Some("http"));
        let authority = authority.ok_or(ClientError::Address)?;
        let path: PathAndQuery = path.parse().map_err(|_| ClientError::Address)?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.into();
        let host = authority.as_str().parse().map_err(|_| ClientError::Address)?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(CONNECTION, const { http::HeaderValue::from_static("close") });
        request
            .headers_mut()
            .insert(CONTENT_TYPE, const { http::HeaderValue::from_static("application/json") });

        let stream = self.dial.dial(authority.as_str()).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let answer = async move {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(ClientError::Body)?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        // What the connection says besides its answer, such as an end without one, is in the answer's error.
        let (answer, _) = tokio::join!(answer, connection);
        answer
    }
}
