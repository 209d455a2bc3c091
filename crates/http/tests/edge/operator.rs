//! The operators' port.

use std::sync::Arc;

use http_edge::{ServerLimits, operator_router};
use parking_lot::Mutex;

use crate::support::{document, header, start, status};

#[tokio::test]
async fn health_follows_what_the_process_says() {
    let reason = Arc::new(Mutex::new(Some("the store does not answer".to_owned())));
    let asked = reason.clone();
    let router =
        operator_router(|_| ("text/plain", String::new()), move || asked.lock().clone().map_or(Ok(()), Err));
    let server = start(router, ServerLimits::default()).await;
    assert_eq!(status(&server.get("/healthz/live").await), 200);
    let response = server.get("/healthz/ready").await;
    assert_eq!(status(&response), 503);
    assert_eq!(document(&response)["detail"], "the store does not answer");
    assert_eq!(document(&response)["code"], "unavailable");
    *reason.lock() = None;
    assert_eq!(status(&server.get("/healthz/ready").await), 200);
}

#[tokio::test]
async fn metrics_are_asked_for_in_the_callers_format() {
    let router = operator_router(
        |accept| ("application/openmetrics-text; version=1.0.0", format!("accept {accept:?}")),
        || Ok(()),
    );
    let server = start(router, ServerLimits::default()).await;
    let response = server.send("GET", "/metrics", "accept: text/plain;q=0.5\r\n", "").await;
    assert_eq!(header(&response, "content-type"), Some("application/openmetrics-text; version=1.0.0"));
    assert!(response.ends_with("accept Some(\"text/plain;q=0.5\")"), "{response}");
    assert!(server.get("/metrics").await.ends_with("accept None"));
}
