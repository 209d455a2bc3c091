//! The web client.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use protocol::ErrorCode;
use sha2::{Digest, Sha256};

use crate::failure::Answer;
use crate::path::Path;

/// What the page may load and do: its own script and style, its server's calls and sockets, and pictures from the web.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; \
     img-src 'self' https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const SCRIPT_TYPE: &str = "text/javascript; charset=utf-8";

/// A file of the client, compiled in.
struct File {
    content_type: &'static str,
    content: &'static [u8],
    etag: String,
}

static PAGE: LazyLock<File> =
    LazyLock::new(|| File::new("text/html; charset=utf-8", include_bytes!("../../web/index.html")));
static SCRIPT: LazyLock<File> = LazyLock::new(|| File::new(SCRIPT_TYPE, include_bytes!("../../web/app.js")));
static STYLE: LazyLock<File> =
    LazyLock::new(|| File::new("text/css; charset=utf-8", include_bytes!("../../web/style.css")));
static MODULES: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    // The build script makes the list.
    let modules: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/modules.rs"));
    modules.iter().map(|(path, content)| (*path, File::new(SCRIPT_TYPE, content))).collect()
});

impl File {
    fn new(content_type: &'static str, content: &'static [u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(content).into();
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..16]));
        Self { content_type, content, etag }
    }

    /// Gives the file, or says that the browser has it already.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers.get(IF_NONE_MATCH).is_some_and(|etag| etag.as_bytes() == self.etag.as_bytes());
        // The type goes with the 304 too: the policy of the headers around it follows from the type, and the browser applies it to what it has.
        let about =
            [(ETAG, self.etag.as_str()), (CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, self.content_type)];
        if known {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        (about, self.content).into_response()
    }
}

/// `GET /`
pub(crate) async fn page(headers: HeaderMap) -> Response {
    PAGE.answer(&headers)
}

/// `GET /app.js`
pub(crate) async fn script(headers: HeaderMap) -> Response {
    SCRIPT.answer(&headers)
}

/// `GET /modules/{path}`
pub(crate) async fn module(Path(path): Path<String>, headers: HeaderMap) -> Answer<Response> {
    let file = MODULES.get(path.as_str()).ok_or(ErrorCode::NotFound)?;
    Ok(file.answer(&headers))
}

/// `GET /style.css`
pub(crate) async fn style(headers: HeaderMap) -> Response {
    STYLE.answer(&headers)
}
