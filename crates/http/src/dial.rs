//! Connections to other processes over TCP.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use http::uri::Authority;
use ports::{Dial, Stream};
use tokio::net::TcpStream;

use crate::socket;

/// The port where the authority says none.
const PORT: u16 = 80;

/// How long what was sent to a peer may stay unacknowledged before it counts as gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Connects over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDial;

#[async_trait]
impl Dial for TcpDial {
    async fn dial(&self, authority: &str) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(connect(authority).await?))
    }
}

async fn connect(authority: &str) -> io::Result<TcpStream> {
    let wrong = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let authority: Authority = authority.parse().map_err(wrong)?;
    // An IPv6 address keeps its brackets in a URL, and has none for the resolver.
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(PORT))).await?;
    socket::tune(&stream, UNACKNOWLEDGED)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_vanished_peer_will_be_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(&listener.local_addr().unwrap().to_string()).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap() && socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED));
    }

    #[tokio::test]
    async fn names_and_addresses_of_both_families_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        connect(&format!("localhost:{port}")).await.unwrap();
        if let Ok(listener) = TcpListener::bind("[::1]:0").await {
            connect(&listener.local_addr().unwrap().to_string()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_no_authority_is_an_error() {
        for wrong in ["", "http://127.0.0.1:1", "127.0.0.1:99999", "127.0.0.1:1/path"] {
            assert!(connect(wrong).await.is_err(), "{wrong}");
        }
    }
}
