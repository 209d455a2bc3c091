//! The upgrade wants a plain TCP stream below HTTP, and says so.

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::io::{AsyncWriteExt, duplex};
use tokio::sync::mpsc;
use websocket::{Limits, UpgradeError};

#[tokio::test]
async fn other_streams_are_refused() {
    let (mut client, server) = duplex(4096);
    let (upgrades, mut upgrade) = mpsc::unbounded_channel();
    let service = service_fn(move |mut request| {
        let (response, upgrade) = websocket::accept(&mut request, None).unwrap();
        upgrades.send(upgrade).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades());
    client
        .write_all(
            b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .await
        .unwrap();
    let result = upgrade.recv().await.unwrap().complete(Limits::default()).await;
    assert!(matches!(result, Err(UpgradeError::Transport)));
}

#[tokio::test]
async fn upgrade_without_a_connection_fails() {
    let mut request = http::Request::builder()
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    // No connection stands behind this request.
    let (_response, upgrade) = websocket::accept(&mut request, None).unwrap();
    assert!(matches!(upgrade.complete(Limits::default()).await, Err(UpgradeError::Http(_))));
}
