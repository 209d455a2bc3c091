//! A name for each request, to find it again in the logs of several processes.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request, in its extensions, in its log lines and in the response's `x-request-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Gives the name.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Takes the name that a proxy gave, if it is harmless in a log.
    fn accept(value: &HeaderValue) -> Option<Self> {
        let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
        let fits = (1..=64).contains(&value.len()) && value.as_bytes().iter().all(harmless);
        fits.then(|| Self(value.clone()))
    }

    /// Makes a name that no other request has: a number after what tells this process from others.
    fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
        Self(HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("unnamed")))
    }
}

pub(super) async fn assign(mut request: Request, next: Next) -> Response {
    let id = request.headers().get(HEADER).and_then(RequestId::accept).unwrap_or_else(RequestId::next);
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, id.0);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_name_is_taken_if_it_is_harmless() {
        let accepted = |text: &str| RequestId::accept(&HeaderValue::from_str(text).unwrap()).is_some();
        assert!(accepted("7f3a-B_9"));
        for bad in ["", "a b", "a\"b", "a=b", &"x".repeat(65)] {
            assert!(!accepted(bad), "{bad}");
        }
    }

    #[test]
    fn names_differ() {
        assert_ne!(RequestId::next(), RequestId::next());
        assert!(RequestId::accept(&RequestId::next().0).is_some());
    }
}
