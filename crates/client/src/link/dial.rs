//! Opening a socket: where to, with which token, up to the `welcome`.

use std::time::Duration;

use protocol::account::Secret;
use protocol::chat::Welcome;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, RETRY_AFTER};
use tokio_tungstenite::tungstenite::http::{Request, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, client_async_tls_with_config};

use super::live::Live;
use super::{Endpoint, Route};
use crate::core::{Loss, Retry};
use crate::http::{bearer, retry_after, socket_url};
use crate::{Error, Session};

/// How long opening may take, `welcome` included.
const OPENED_WITHIN: Duration = Duration::from_secs(20);

/// The api role may take this long to say where the user belongs.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// The read buffer of a connection, in bytes; the library's own default is 128 KiB, too much for hundreds of connections.
const READ_BUFFER_BYTES: usize = 4096;

/// The largest frame that is read, in bytes: a page of 200 messages of the greatest length fits twice.
const MAX_FRAME_BYTES: usize = 16 << 20;

/// An attempt to open a socket.
pub(super) struct Attempt {
    pub(super) session: Session,
    pub(super) endpoint: Endpoint,
    pub(super) route: Route,
    /// Where a `reconnect` frame has sent this client.
    pub(super) told: Option<String>,
    /// The token that was used last.
    pub(super) last_token: Option<Secret>,
    pub(super) retry: Retry,
}

/// A socket that is open, and its first frame.
pub(super) struct Opened {
    pub(super) live: Live,
    pub(super) welcome: Welcome,
    pub(super) token: Secret,
}

/// Why a socket was not opened, and the token that was used, if it came to that.
pub(super) struct NotOpened {
    pub(super) loss: Loss,
    pub(super) token: Option<Secret>,
}

impl Attempt {
    /// Waits as long as it must, and opens the socket.
    pub(super) async fn open(self) -> Result<Opened, NotOpened> {
        tokio::time::sleep(self.retry.after).await;
        let token = self.token().await.map_err(|loss| NotOpened { loss, token: self.last_token.clone() })?;
        let address = self.address().await;
        let opened = match timeout(OPENED_WITHIN, self.connect(address, &token)).await {
            Ok(opened) => opened,
            Err(_) => Err(Loss::Silent),
        };
        match opened {
            Ok((live, welcome)) => Ok(Opened { live, welcome, token }),
            Err(loss) => Err(NotOpened { loss, token: Some(token) }),
        }
    }

    async fn token(&self) -> Result<Secret, Loss> {
        let token = match &self.last_token {
            Some(refused) if self.retry.renew_token => self.session.exchange(refused).await,
            _ => self.session.token().await,
        };
        token.map_err(|error| if error.status() == Some(401) { Loss::LoggedOut } else { loss(error) })
    }

    async fn connect(&self, address: Result<String, Error>, token: &Secret) -> Result<(Live, Welcome), Loss> {
        let address = address.map_err(loss)?;
        if self.session.http().is_encrypted() && !address.starts_with("wss:") {
            return Err(Loss::Unreachable(
                "the server sent this client to an address without tls".to_owned(),
            ));
        }
        let mut request = address.into_client_request().map_err(|error| failure(&error))?;
        request.headers_mut().insert(AUTHORIZATION, bearer(token).map_err(loss)?);
        let stream = connect_tcp(&request).await.map_err(|error| Loss::Unreachable(error.to_string()))?;
        let configuration = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let connector = Connector::Rustls(self.session.http().tls().clone());
        let opening = client_async_tls_with_config(request, stream, Some(configuration), Some(connector));
        let (socket, _) = opening.await.map_err(|error| failure(&error))?;
        Live::greet(socket).await
    }

    async fn address(&self) -> Result<String, Error> {
        let path = self.endpoint.path();
        if self.retry.ask_servers {
            // A client that cannot reach the api may still reach its shard: what it knew before may hold.
            if let Ok(Err(error)) = timeout(ANSWERED_WITHIN, self.session.ask_servers()).await {
                tracing::debug!(%error, "where the user belongs cannot be asked");
            }
        } else if let Some(told) = &self.told {
            return socket_url(told, path);
        }
        let servers = self.session.servers();
        match (self.route, self.endpoint) {
            (Route::Api, _) => self.session.http().socket_url(path),
            (Route::Shard, Endpoint::Chat) => socket_url(&servers.chat.url, path),
            (Route::Shard, Endpoint::Presence) => socket_url(&servers.presence.url, path),
        }
    }
}

async fn connect_tcp(request: &Request<()>) -> std::io::Result<TcpStream> {
    let uri: &Uri = request.uri();
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("wss") { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn loss(error: Error) -> Loss {
    match error {
        Error::Refused(problem) => {
            let status = problem.status.unwrap_or_default();
            Loss::Refused { status, retry_after: problem.retry_after }
        }
        error => Loss::Unreachable(error.to_string()),
    }
}

fn failure(error: &SocketError) -> Loss {
    match error {
        SocketError::Http(response) => Loss::Refused {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers().get(RETRY_AFTER)),
        },
        error => Loss::Unreachable(error.to_string()),
    }
}
