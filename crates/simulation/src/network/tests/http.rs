//! HTTP over the network.

use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::routing::{get, post};
use http_edge::PeerAddress;
use ports::Tasks;
use registry::Client;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{network, pass, read_all, write};
use crate::network::{Network, serve};

/// Asks for a path as a device, and gives the whole answer.
async fn ask(network: &Network, device: &str, path: &str) -> String {
    let mut pipe = network.connect(device, "api-0:80").await.unwrap();
    write(&mut pipe, &format!("GET {path} HTTP/1.1\r\nhost: api-0\r\nconnection: close\r\n\r\n")).await;
    read_all(&mut pipe).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_knows_its_peer() {
    let network = network(1, 7..=7);
    let who = get(async |Extension(PeerAddress(peer)): Extension<PeerAddress>| peer.ip().to_string());
    let tasks = Tasks::default();
    tasks.spawn(serve(network.listen("api-0:80"), Router::new().route("/who", who), tasks.clone()));
    let first = ask(&network, "phone", "/who").await;
    assert!(first.starts_with("HTTP/1.1 200 ") && first.contains("\r\n\r\n10."), "{first}");
    assert_eq!(ask(&network, "phone", "/who").await, first);
    assert_ne!(ask(&network, "laptop", "/who").await, first);
    assert!(ask(&network, "phone", "/nothing").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test(start_paused = true)]
async fn processes_ask_each_other() {
    let network = network(1, 7..=7);
    let tasks = Tasks::default();
    let router = Router::new().route("/echo", post(async |body: String| body));
    tasks.spawn(serve(network.listen("registry-0:80"), router, tasks.clone()));
    let client = Client::new("http://registry-0:80".parse().unwrap(), network.dialer("chat-0"));
    assert_eq!(client.post("/echo", "hello".into()).await.unwrap(), "hello");
    assert!(client.post("/nothing", "hello".into()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_stopped_answers_what_it_was_asked() {
    let network = network(1, 7..=7);
    let (stop, answer, tasks) = (CancellationToken::new(), Arc::new(Notify::new()), Tasks::default());
    let waiting = answer.clone();
    let slow = get(async move || {
        waiting.notified().await;
        "done"
    });
    let listener = network.listen("api-0:80").until(stop.clone());
    tasks.spawn(serve(listener, Router::new().route("/slow", slow), tasks.clone()));
    tasks.close();
    let asking = tokio::spawn({
        let network = network.clone();
        async move { ask(&network, "phone", "/slow").await }
    });
    pass(100).await;
    stop.cancel();
    pass(100).await;
    assert!(network.connect("phone", "api-0:80").await.is_err());
    answer.notify_one();
    assert!(asking.await.unwrap().ends_with("done"));
    tasks.wait().await;
}
