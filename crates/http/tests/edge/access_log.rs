//! What the access log says, and what it keeps to itself.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use http_edge::{EdgeOptions, ServerLimits, harden};
use parking_lot::Mutex;
use tracing::Level;
use tracing::subscriber::set_default;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{start, status};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_line_names_the_route_and_no_secret() {
    let lines = Lines::default();
    let everything = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
    let _guard = set_default(everything.with_writer(lines.clone()).finish());
    let router = Router::new().route("/users/{username}", post(async || "hello"));
    let server = start(harden(router, EdgeOptions::default()), ServerLimits::default()).await;
    let headers = "authorization: Bearer canary-token\r\n\
        sec-websocket-protocol: chatapp.v1, chatapp.bearer.canary-protocol\r\n\
        cookie: canary-cookie\r\n\
        x-request-id: request-7\r\n";
    let response =
        server.send("POST", "/users/canary-path?ticket=canary-query", headers, "canary-body").await;
    assert_eq!(status(&response), 200);
    let text = String::from_utf8(lines.0.lock().clone()).unwrap();
    for part in ["POST", "/users/{username}", "status=200", "latency_us=", "request-7"] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
}
