//! A WebSocket of a device: an implementation of the protocol other than the server's.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{FutureExt, Sink, SinkExt, Stream};
use http::Uri;
use http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::history::Ending;
use crate::network::Pipe;

/// The close code of a close frame that has none (RFC 6455, section 7.4.1).
const NO_STATUS: u16 = 1005;
/// How much is read at once, in bytes: most frames are small.
const READ_BUFFER: usize = 4096;

/// An open WebSocket.
pub(super) struct Socket {
    stream: WebSocketStream<Pipe>,
    /// Whether something was said that may not have left yet.
    unflushed: bool,
}

/// How a device shows who it is when it opens a socket.
pub(super) enum Pass<'a> {
    /// In a header.
    Header(&'a str),
    /// In the list of subprotocols, as browsers have to.
    Subprotocol(&'a str),
    /// By a ticket in the address.
    Ticket(String),
}

/// Why a socket did not open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The login has ended.
    LoggedOut,
    /// Another time perhaps.
    NotNow,
}

impl Socket {
    /// Opens a WebSocket over a connection to an address.
    pub(super) async fn open(pipe: Pipe, address: &str, path: &str, pass: Pass<'_>) -> Result<Self, Refusal> {
        let query =
            if let Pass::Ticket(ticket) = &pass { format!("?ticket={ticket}") } else { String::new() };
        let uri: Uri = format!("ws://{address}{path}{query}").parse().map_err(|_| Refusal::NotNow)?;
        let request = ClientRequestBuilder::new(uri);
        let request = match pass {
            Pass::Header(token) => request.with_header(AUTHORIZATION.as_str(), format!("Bearer {token}")),
            Pass::Subprotocol(token) => {
                request.with_sub_protocol("chatapp.v1").with_sub_protocol(format!("chatapp.bearer.{token}"))
            }
            Pass::Ticket(_) => request,
        };
        let configuration = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        match client_async_with_config(request, pipe, Some(configuration)).await {
            Ok((stream, _)) => Ok(Self { stream, unflushed: false }),
            Err(Error::Http(response)) if response.status() == 401 => Err(Refusal::LoggedOut),
            Err(_) => Err(Refusal::NotNow),
        }
    }

    /// Says something; it leaves while [`Socket::next`] is awaited.
    pub(super) fn say(&mut self, frame: String) {
        // A socket that takes nothing any more says so when it is read.
        let _ = Pin::new(&mut self.stream).start_send(Message::Text(frame.into()));
        self.unflushed = true;
    }

    /// Waits for the next frame, or says how the connection ended. Nothing is lost if it is not awaited to the end.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, Ending> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// Closes the connection in good order, and does not wait for the server to agree.
    pub(super) fn leave(mut self) {
        let _ = self.stream.close(None).now_or_never();
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Utf8Bytes, Ending>> {
        loop {
            if self.unflushed && Pin::new(&mut self.stream).poll_flush(context).is_ready() {
                // Whether it failed is found out by reading: the server may have said why.
                self.unflushed = false;
            }
            match Pin::new(&mut self.stream).poll_next(context) {
                Poll::Ready(Some(Ok(Message::Text(text)))) => return Poll::Ready(Ok(text)),
                Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                    let _ = self.stream.flush().now_or_never();
                    return Poll::Ready(Err(Ending::Code(code_of(frame))));
                }
                // The library has an answer to a ping ready.
                Poll::Ready(Some(Ok(_))) => self.unflushed = true,
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Ending::Broken)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

fn code_of(frame: Option<CloseFrame>) -> u16 {
    frame.map_or(NO_STATUS, |frame| frame.code.into())
}
