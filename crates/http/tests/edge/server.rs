//! The server loop over real sockets.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use http_edge::{PeerAddress, ServerLimits};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::support::{Server, header, read_until, rest, start, status};

const HOUR: Duration = Duration::from_secs(3600);
const BRIEF: Duration = Duration::from_millis(20);

/// Limits that no test waits for, unless it sets one.
fn patient() -> ServerLimits {
    ServerLimits { header_timeout: HOUR, drain_timeout: HOUR, ..ServerLimits::default() }
}

async fn hello(limits: ServerLimits) -> Server {
    start(Router::new().route("/", get(async || "hello")), limits).await
}

#[tokio::test]
async fn a_header_that_does_not_arrive_ends_the_connection() {
    let server = hello(ServerLimits { header_timeout: BRIEF, ..patient() }).await;
    assert_eq!(server.exchange("GET / HTTP/1.1\r\nhost: te").await, "");
    assert_eq!(server.exchange("").await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = hello(ServerLimits { header_timeout: BRIEF, ..patient() }).await;
    let response = server.exchange("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(status(&response) == 200 && response.ends_with("hello"), "{response}");
}

#[tokio::test]
async fn a_huge_header_is_refused() {
    let server = hello(patient()).await;
    let response = server.send("GET", "/", &format!("x-filler: {}\r\n", "x".repeat(17 * 1024)), "").await;
    assert_eq!(status(&response), 431, "{response}");
    let response = server.send("GET", "/", &format!("x-filler: {}\r\n", "x".repeat(12 * 1024)), "").await;
    assert_eq!(status(&response), 200, "{response}");
    let many = "a: b\r\n".repeat(200);
    assert_eq!(status(&server.send("GET", "/", &many, "").await), 431);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = hello(patient()).await;
    for bytes in
        ["nonsense\r\n\r\n", "GET /\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"]
    {
        let response = server.exchange(bytes).await;
        assert!(response.is_empty() || status(&response) == 400, "{response}");
    }
}

#[tokio::test]
async fn a_connection_carries_many_requests_in_order() {
    let echo = post(async |body: String| body);
    let server = start(Router::new().route("/", echo), patient()).await;
    let request = |body: &str| format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n", body.len());
    let first = format!("{}\r\none", request("one"));
    let second = format!("{}\r\nthree", request("three"));
    let last = format!("{}connection: close\r\n\r\nfive!", request("five!"));
    let response = server.exchange(format!("{first}{second}{last}")).await;
    let bodies: Vec<&str> = response.split("\r\n\r\n").skip(1).collect();
    assert!(bodies[0].starts_with("oneHTTP") && bodies[1].starts_with("threeHTTP"), "{response}");
    assert_eq!(bodies[2], "five!");
}

#[tokio::test]
async fn handlers_know_the_peer() {
    let peer = get(async |Extension(PeerAddress(peer)): Extension<PeerAddress>| peer.to_string());
    let server = start(Router::new().route("/", peer), patient()).await;
    let mut stream = server.connect().await;
    let address = stream.local_addr().unwrap().to_string();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    read_until(&mut stream, &format!("\r\n\r\n{address}")).await;
}

/// A server whose handler says that it has begun, and goes on when it is told.
async fn slow(limits: ServerLimits) -> (Server, Arc<Notify>, Arc<Notify>) {
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (handler_began, handler_goes_on) = (began.clone(), go_on.clone());
    let handler = get(async move || {
        handler_began.notify_one();
        handler_goes_on.notified().await;
        "done"
    });
    (start(Router::new().route("/", handler), limits).await, began, go_on)
}

#[tokio::test]
async fn a_shutdown_lets_the_request_in_flight_finish() {
    let (server, began, go_on) = slow(patient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    began.notified().await;
    server.shutdown.cancel();
    // The listener is closed before the request is done.
    while TcpStream::connect(server.address).await.is_ok() {}
    assert!(!server.ended.is_finished());
    go_on.notify_one();
    let response = rest(&mut stream).await;
    assert!(response.ends_with("done"), "{response}");
    assert_eq!(header(&response, "connection"), Some("close"));
    server.ended.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let (server, began, _go_on) = slow(ServerLimits { drain_timeout: BRIEF, ..patient() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    began.notified().await;
    server.shutdown.cancel();
    server.ended.await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_shutdown_closes_silent_and_idle_connections_at_once() {
    let server = hello(patient()).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    read_until(&mut idle, "hello").await;
    server.shutdown.cancel();
    server.ended.await.unwrap();
    assert_eq!((rest(&mut silent).await, rest(&mut idle).await), (String::new(), String::new()));
}

#[tokio::test]
async fn an_address_has_so_many_connections_without_a_request() {
    let server = hello(ServerLimits { max_half_open_per_address: 2, ..patient() }).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    second.write_all(b"GET / HT").await.unwrap();
    assert_eq!(rest(&mut server.connect().await).await, "");
    // A finished request gives the place back while its connection stays open.
    first.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    read_until(&mut first, "hello").await;
    assert_eq!(status(&server.get("/").await), 200);
    // So does a connection that leaves.
    let _third = server.connect().await;
    drop(second);
    while status(&server.get("/").await) != 200 {}
}

#[tokio::test]
async fn loopback_can_be_left_out_of_the_limit() {
    let server =
        hello(ServerLimits { max_half_open_per_address: 0, exempt_loopback: true, ..patient() }).await;
    assert_eq!(status(&server.get("/").await), 200);
}

#[tokio::test]
async fn no_more_connections_are_served_than_allowed() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let handler = get(async move || {
        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        running.fetch_sub(1, Ordering::SeqCst);
        "hello"
    });
    let limits = ServerLimits { max_connections: 2, ..patient() };
    let server = Arc::new(start(Router::new().route("/", handler), limits).await);
    let clients = TaskTracker::new();
    for _ in 0..16 {
        let server = server.clone();
        clients.spawn(async move { assert_eq!(status(&server.get("/").await), 200) });
    }
    clients.close();
    clients.wait().await;
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_upgraded_socket_is_the_socket_itself_and_outlives_the_server() {
    let tracker = TaskTracker::new();
    let handler = get(async move |request: Request| {
        tracker.spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            let parts = upgraded.downcast::<TokioIo<TcpStream>>().unwrap();
            let mut socket = parts.io.into_inner();
            let line = read_until(&mut socket, "\n").await;
            socket.write_all(format!("you said {line}").as_bytes()).await.unwrap();
        });
        let headers =
            [(CONNECTION, HeaderValue::from_static("upgrade")), (UPGRADE, HeaderValue::from_static("echo"))];
        (StatusCode::SWITCHING_PROTOCOLS, headers)
    });
    let limits = ServerLimits { max_connections: 1, max_half_open_per_address: 1, ..patient() };
    let server = start(Router::new().route("/", handler), limits).await;
    let request = "GET / HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let mut first = server.connect().await;
    first.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(status(&read_until(&mut first, "\r\n\r\n").await), 101);
    // It holds no place any more.
    let mut second = server.connect().await;
    second.write_all(request.as_bytes()).await.unwrap();
    read_until(&mut second, "\r\n\r\n").await;
    server.shutdown.cancel();
    server.ended.await.unwrap();
    first.write_all(b"still here\n").await.unwrap();
    assert_eq!(rest(&mut first).await, "you said still here\n");
}

#[tokio::test]
async fn a_handler_whose_client_left_is_dropped() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (began, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (handler_began, handler_ended) = (began.clone(), ended.clone());
    let handler = get(async move || {
        let _dropped = Dropped(handler_ended.clone());
        handler_began.notify_one();
        pending::<()>().await;
    });
    let server = start(Router::new().route("/", handler), patient()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    began.notified().await;
    drop(stream);
    ended.notified().await;
}
