//! A server's halves and a client that can break every rule.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use websocket::{Limits, Reader, Upgrade, Writer};

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;

/// The client's end of a connection.
pub(crate) struct Client {
    pub(crate) receiver: Receiver,
    pub(crate) sender: OwnedWriteHalf,
}

/// The half that reads.
pub(crate) struct Receiver {
    pub(crate) stream: OwnedReadHalf,
}

/// Opens a connection, and gives the server's halves and the client.
pub(crate) async fn connect(limits: Limits) -> (Reader, Writer, Client) {
    connect_early(limits, &[]).await
}

/// Opens a connection whose client sends `early` together with the handshake, before the answer.
pub(crate) async fn connect_early(limits: Limits, early: &[u8]) -> (Reader, Writer, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (accepted, _) = listener.accept().await.unwrap();
    let (upgrades, mut upgrade) = mpsc::unbounded_channel();
    tokio::spawn(serve(accepted, upgrades));

    let handshake = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(&[handshake, early].concat()).await.unwrap();
    let (reader, writer) = upgrade.recv().await.unwrap().complete(limits).await.unwrap();

    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    let (stream, sender) = stream.into_split();
    (reader, writer, Client { receiver: Receiver { stream }, sender })
}

async fn serve(stream: TcpStream, upgrades: mpsc::UnboundedSender<Upgrade>) {
    let service = service_fn(async |mut request: Request<Incoming>| {
        let (response, upgrade): (Response<Empty<Bytes>>, _) = websocket::accept(&mut request, None).unwrap();
        upgrades.send(upgrade).unwrap();
        Ok::<_, Infallible>(response)
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await.unwrap();
}

/// Encodes a client's frame; `first` is the byte with the final bit and the opcode.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x3c, 0xa5, 0x0f, 0x71];
    let mut frame = head(first, 0x80, payload.len() as u64);
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Encodes the head of a frame up to its length; `mask` is the mask bit.
pub(crate) fn head(first: u8, mask: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..=125 => head.push(mask | length as u8),
        126..=65_535 => {
            head.push(mask | 126);
            head.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            head.push(mask | 127);
            head.extend_from_slice(&length.to_be_bytes());
        }
    }
    head
}

impl Client {
    /// Sends these bytes, whatever they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.sender.write_all(bytes).await.unwrap();
    }

    /// Waits for a frame, and gives its first byte and its payload; `None` at the end of the connection.
    pub(crate) async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        self.receiver.receive().await
    }

    /// Waits for a close frame, and gives its code and reason.
    pub(crate) async fn receive_close(&mut self) -> (u16, String) {
        self.receiver.receive_close().await
    }
}

impl Receiver {
    pub(crate) async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.unwrap() {
            126 => u64::from(self.stream.read_u16().await.unwrap()),
            127 => self.stream.read_u64().await.unwrap(),
            length => u64::from(length),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await.unwrap();
        Some((first, payload))
    }

    pub(crate) async fn receive_close(&mut self) -> (u16, String) {
        let (first, payload) = self.receive().await.unwrap();
        assert_eq!(first, FIN | CLOSE);
        let (code, reason) = payload.split_at(2);
        (u16::from_be_bytes(code.try_into().unwrap()), String::from_utf8(reason.to_vec()).unwrap())
    }
}
