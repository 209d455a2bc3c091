//! Extractors and layers, as a client sees them over a real socket.

use std::sync::Arc;

use axum::response::Html;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::HeaderValue;
use http_edge::{BodyLimit, EdgeOptions, Json, Path, Problem, Query, RequestId, ServerLimits, harden};
use parking_lot::Mutex;
use protocol::{ErrorCode, Username};
use serde::{Deserialize, Serialize};

use crate::support::{Server, document, header, start, status};

#[derive(Serialize, Deserialize)]
struct Signup {
    username: String,
    age: Option<u8>,
}

#[derive(Deserialize)]
struct Page {
    limit: u8,
}

fn router() -> Router {
    Router::new()
        .route("/signup", post(async |Json(signup): Json<Signup>| Json(signup)))
        .route("/upload", post(async |body: axum::body::Bytes| body.len().to_string()))
        .route(
            "/large",
            post(async |Json(signup): Json<Signup>| Json(signup)).layer(Extension(BodyLimit(200_000))),
        )
        .route("/users", get(async |Query(page): Query<Page>| page.limit.to_string()))
        .route("/users/{username}", get(async |Path(name): Path<Username>| name.to_string()))
        .route(
            "/logs/{name}/{seq}",
            get(async |Path((name, seq)): Path<(String, u64)>| format!("{name} {seq}")),
        )
        .route("/page", get(async || Html("<p>hello")))
        .route("/broken", get(async || -> &'static str { panic!("secret reason") }))
        .route("/full", get(async || Problem::new(ErrorCode::RateLimited).with_retry_after_ms(1500)))
        .route("/id", get(async |Extension(id): Extension<RequestId>| id.as_str().to_owned()))
}

async fn server() -> Server {
    let page_policy = Some(HeaderValue::from_static("default-src 'self'"));
    start(harden(router(), EdgeOptions { page_policy, observer: None }), ServerLimits::default()).await
}

/// Checks that a response is the problem of a code that blames a field.
fn blames(response: &str, code: ErrorCode, field: &str) {
    let document = document(response);
    assert_eq!(document["code"], code.as_str(), "{response}");
    assert_eq!(document["status"], status(response), "{response}");
    assert_eq!(status(response), code.http_status(), "{response}");
    assert_eq!(document["field"], field, "{response}");
}

#[tokio::test]
async fn a_good_body_is_read() {
    let response = server().await.post("/signup", r#"{"username":"ada","later":[1]}"#).await;
    assert_eq!(status(&response), 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert!(response.ends_with(r#"{"username":"ada","age":null}"#), "{response}");
}

#[tokio::test]
async fn a_bad_body_is_a_problem_that_names_the_field() {
    let server = server().await;
    for (body, code, field) in [
        (br#"{"username":7}"#.as_slice(), ErrorCode::InvalidField, "username"),
        (br#"{"age":7}"#, ErrorCode::InvalidField, "username"),
        (br#"{"username":"ada","age":"x"}"#, ErrorCode::InvalidField, "age"),
        (br#"{"username":"ada""#, ErrorCode::Malformed, "body"),
        (b"{\"username\":\"\xff\xfe\"}", ErrorCode::Malformed, "body"),
        (b"", ErrorCode::Malformed, "body"),
    ] {
        blames(&server.post("/signup", body).await, code, field);
    }
    let deep = format!(r#"{{"username":"ada","x":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    blames(&server.post("/signup", deep).await, ErrorCode::Malformed, "body");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_large() {
    let server = server().await;
    let body = |size: usize| format!(r#"{{"username":"{}"}}"#, "x".repeat(size));
    assert_eq!(status(&server.post("/signup", body(60_000)).await), 200);
    for size in [70_000, 1_000_000] {
        blames(&server.post("/signup", body(size)).await, ErrorCode::TooLarge, "body");
    }
    assert_eq!(status(&server.post("/large", body(150_000)).await), 200);
    assert_eq!(status(&server.post("/large", body(250_000)).await), 413);
    // Other extractors of bodies are bounded too.
    let response = server.post("/upload", body(70_000)).await;
    assert_eq!(document(&response)["code"], "too_large");
}

#[tokio::test]
async fn a_chunked_body_is_bounded_too() {
    let head = "POST /signup HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = format!("4000\r\n{}\r\n", "x".repeat(0x4000)).repeat(5);
    let response = server().await.exchange(format!("{head}{chunks}0\r\n\r\n")).await;
    blames(&response, ErrorCode::TooLarge, "body");
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let server = server().await;
    for declared in ["", "content-type: text/plain\r\n"] {
        let response = server.send("POST", "/signup", declared, r#"{"username":"ada"}"#).await;
        assert_eq!(
            (status(&response), document(&response)["code"].as_str()),
            (415, Some("unsupported_media_type"))
        );
    }
}

#[tokio::test]
async fn a_bad_query_or_path_is_a_problem_that_names_the_parameter() {
    let server = server().await;
    blames(&server.get("/users?limit=x").await, ErrorCode::InvalidField, "limit");
    blames(&server.get("/users").await, ErrorCode::InvalidField, "limit");
    blames(&server.get("/users/a%20b").await, ErrorCode::NotFound, "username");
    blames(&server.get("/users/%ff").await, ErrorCode::NotFound, "username");
    blames(&server.get("/logs/a/x").await, ErrorCode::NotFound, "seq");
    assert!(server.get("/logs/a/7").await.ends_with("a 7"));
    assert!(server.get("/users/Ada?x=1").await.ends_with("ada"));
}

#[tokio::test]
async fn what_no_handler_answers_is_a_problem() {
    let server = server().await;
    let response = server.get("/nowhere").await;
    assert_eq!((status(&response), document(&response)["code"].as_str()), (404, Some("not_found")));
    let response = server.send("DELETE", "/signup", "", "").await;
    assert_eq!((status(&response), document(&response)["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(header(&response, "allow"), Some("POST"));
}

#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing_and_the_server_lives() {
    let server = server().await;
    let response = server.get("/broken").await;
    assert_eq!((status(&response), document(&response)["code"].as_str()), (500, Some("internal")));
    assert!(!response.contains("secret"), "{response}");
    assert_eq!(status(&server.get("/page").await), 200);
}

#[tokio::test]
async fn a_handlers_own_problem_is_left_alone() {
    let response = server().await.get("/full").await;
    assert_eq!((status(&response), header(&response, "retry-after")), (429, Some("2")));
    assert_eq!(document(&response)["code"], "rate_limited");
}

#[tokio::test]
async fn browsers_are_told_to_be_careful() {
    let server = server().await;
    for path in ["/page", "/nowhere", "/broken", "/users?limit=1"] {
        let response = server.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{path}");
        }
        let policy = header(&response, "content-security-policy").unwrap();
        assert_eq!(policy == "default-src 'self'", path == "/page", "{path}: {policy}");
        assert!(policy.starts_with("default-src"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn each_request_has_a_name() {
    let server = server().await;
    let response = server.send("GET", "/id", "x-request-id: from-proxy-7\r\n", "").await;
    assert!(response.ends_with("from-proxy-7"), "{response}");
    assert_eq!(header(&response, "x-request-id"), Some("from-proxy-7"));
    let response = server.send("GET", "/id", "x-request-id: \"; drop\r\n", "").await;
    let id = header(&response, "x-request-id").unwrap();
    assert!(response.ends_with(id) && id.len() > 16 && !id.contains("drop"), "{response}");
}

#[tokio::test]
async fn an_observer_sees_routes_and_not_paths() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = seen.clone();
    let observer: http_edge::Observer = Arc::new(move |exchange| {
        list.lock().push(format!("{} {} {}", exchange.method, exchange.route, exchange.status.as_u16()));
    });
    let router = harden(router(), EdgeOptions { page_policy: None, observer: Some(observer) });
    let server = start(router, ServerLimits::default()).await;
    for path in ["/users/ada", "/users/a%20b", "/ada", "/broken"] {
        server.get(path).await;
    }
    let expected =
        ["GET /users/{username} 200", "GET /users/{username} 404", "GET unmatched 404", "GET /broken 500"];
    assert_eq!(*seen.lock(), expected);
}
