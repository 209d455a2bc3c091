//! The upgrade takes plain TCP streams and transports, and says so if there is something else below HTTP.

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use websocket::{FrameQueue, Limits, Message, Reader, Transport, Upgrade, UpgradeError, Writer, close, text};

use crate::support::{CLOSE, FIN, TEXT, frame};

const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Serves one connection, and gives the upgrade of its request.
async fn upgrade(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Upgrade {
    let (upgrades, mut upgrade) = mpsc::unbounded_channel();
    let service = service_fn(move |mut request| {
        let (response, upgrade) = websocket::accept(&mut request, None).unwrap();
        upgrades.send(upgrade).unwrap();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades());
    upgrade.recv().await.unwrap()
}

/// Opens a connection within the process whose buffers hold so many bytes, and gives the client too.
async fn connect(buffer: usize, early: &[u8]) -> (Reader, Writer, DuplexStream) {
    let (mut client, server) = duplex(buffer);
    client.write_all(&[HANDSHAKE, early].concat()).await.unwrap();
    let upgrade = upgrade(Transport::new(server)).await;
    let (reader, writer) = upgrade.complete(Limits::default()).await.unwrap();
    read_head(&mut client).await;
    (reader, writer, client)
}

/// Reads the answer to the handshake.
async fn read_head(client: &mut DuplexStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn streams_within_the_process_carry_messages_both_ways_and_close() {
    let early = [frame(FIN | TEXT, b"with the handshake"), frame(FIN | TEXT, b"after")].concat();
    let (mut reader, mut writer, mut client) = connect(4096, &early).await;
    for expected in ["with the handshake", "after"] {
        assert_eq!(reader.next().await.unwrap(), Message::Text(Bytes::from(expected)));
    }
    let queue = FrameQueue::default();
    // More than the stream takes at once.
    queue.push(text(&[b'x'; 40_000])).unwrap();
    queue.push(text(b"last")).unwrap();
    let server = tokio::spawn(async move {
        writer.finish(&mut reader, &queue, close(1001, ""), Duration::from_secs(600)).await
    });
    let mut long = vec![0; 4 + 40_000];
    client.read_exact(&mut long).await.unwrap();
    assert!(long[4..].iter().all(|byte| *byte == b'x'));
    let mut rest = [0; 6 + 4];
    client.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b"\x81\x04last\x88\x02\x03\xe9");
    client.write_all(&frame(FIN | CLOSE, b"\x03\xe9")).await.unwrap();
    assert_eq!(client.read(&mut rest).await.unwrap(), 0);
    drop(client);
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_within_the_process_that_never_reads_is_left_after_the_bound() {
    let (mut reader, mut writer, mut client) = connect(256, &[]).await;
    let queue = FrameQueue::default();
    queue.push(text(&[b'x'; 1000])).unwrap();
    let result = writer.finish(&mut reader, &queue, close(1001, ""), Duration::from_secs(2)).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    drop((reader, writer));
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), 256);
}

#[tokio::test]
async fn a_client_that_never_stops_sending_gets_the_close_frame() {
    // Read as frames, these bytes are masked pongs of ten bytes, one after the other.
    let flood = AsyncReadExt::chain(HANDSHAKE, tokio::io::repeat(0x8a));
    let (mut client, server) = duplex(4096);
    let upgrade = upgrade(Transport::new(tokio::io::join(flood, server))).await;
    let (mut reader, mut writer) = upgrade.complete(Limits::default()).await.unwrap();
    let queue = FrameQueue::default();
    let server = tokio::spawn(async move {
        let _ = writer.finish(&mut reader, &queue, close(1001, ""), Duration::from_secs(1)).await;
    });
    read_head(&mut client).await;
    let mut frame = [0; 4];
    client.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x88\x02\x03\xe9");
    server.abort();
}

#[tokio::test]
async fn other_streams_are_refused() {
    let (mut client, server) = duplex(4096);
    client.write_all(HANDSHAKE).await.unwrap();
    let result = upgrade(server).await.complete(Limits::default()).await;
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
