//! Who opens a socket: a seam, so that tests need no keys.

use async_trait::async_trait;
use http::HeaderMap;
use http_edge::Problem;
use identity::Identity;

/// Says who opens a socket, from the request for it.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Checks the credentials in the headers or the query. The login that is given exists.
    ///
    /// # Errors
    /// The answer to the request: 401 for credentials that do not hold.
    async fn authenticate(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Problem>;
}

#[async_trait]
impl Authenticator for identity::Authenticator {
    async fn authenticate(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Problem> {
        Ok(self.socket(headers, query).await?)
    }
}
