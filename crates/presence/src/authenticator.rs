//! Who opens a socket: a seam, so that all sockets of the program authenticate in one place.

use async_trait::async_trait;
use http::HeaderMap;
use http_edge::Problem;
use protocol::{LoginId, Username};

/// Who opens a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub username: Username,
    /// The login that the socket belongs to; when it ends, the socket is closed.
    pub login: LoginId,
}

/// Says who opens a socket, from the request for it.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Checks the credentials in the headers or the query. The login that is given exists.
    ///
    /// # Errors
    /// The answer to the request: 401 for credentials that do not hold.
    async fn authenticate(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Problem>;
}
