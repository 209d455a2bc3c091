//! An echo server, for conformance suites: `echo 127.0.0.1:9001`.

#![expect(clippy::disallowed_methods, reason = "an example has no tracker to spawn on")]

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use websocket::{FrameQueue, Limits, Message, Upgrade};

/// Suites send large messages, in many fragments, slowly.
const LIMITS: Limits = Limits {
    max_message_bytes: 64 * 1024 * 1024,
    max_fragments: 10_000_000,
    message_timeout: Duration::from_secs(60),
    unacknowledged_timeout: Duration::from_secs(20),
};
const QUEUE_BYTES: usize = 256 * 1024 * 1024;
const CLOSE_BOUND: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: echo ADDRESS")?;
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(handle));
        tokio::spawn(connection.with_upgrades());
    }
}

async fn handle(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    match websocket::accept(&mut request, None) {
        Ok((response, upgrade)) => {
            tokio::spawn(echo(upgrade));
            Ok(response)
        }
        Err(error) => {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = error.status();
            response.headers_mut().extend(error.headers());
            Ok(response)
        }
    }
}

async fn echo(upgrade: Upgrade) {
    let Ok((mut reader, mut writer)) = upgrade.complete(LIMITS).await else {
        return;
    };
    let queue = FrameQueue::new(QUEUE_BYTES);
    let close = loop {
        let reply = tokio::select! {
            biased;
            message = reader.next() => match message {
                Ok(Message::Text(payload)) => websocket::text(&payload),
                Ok(Message::Binary(payload)) => websocket::binary(&payload),
                Ok(Message::Ping(payload)) => websocket::pong(&payload),
                Ok(Message::Pong(_)) => continue,
                Ok(Message::Close { code, .. }) => break Some(websocket::close_reply(code)),
                Err(error) => break error.close_frame(),
            },
            Err(error) = writer.pump(&queue) => break error.close_frame(),
        };
        // A full queue ends the pump, and so the connection.
        let _ = queue.push(reply);
    };
    if let Some(close) = close {
        // The connection is over, well closed or not.
        let _ = writer.finish(&mut reader, &queue, close, CLOSE_BOUND).await;
    }
}
