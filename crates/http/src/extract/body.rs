//! Reads a request's body within bounds of size and time.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use protocol::ErrorCode;
use tokio::time::timeout;

use crate::Problem;

/// The largest body that is read unless a route sets another [`BodyLimit`], in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// How long a body may take to arrive: whoever sends a byte a second does not hold a handler for ever.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a body that is too large is read and thrown away, in bytes. Answering at once would reset the
/// connection while the client still writes, and the client would never see the answer.
const DISCARDED_BYTES: usize = 32 * 1024 * 1024;

/// The largest body of a route, in bytes, set as `router.layer(Extension(BodyLimit(n)))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// Reads the whole body.
pub(super) async fn read(request: Request) -> Result<Bytes, Problem> {
    let limit = request.extensions().get().map_or(MAX_BODY_BYTES, |BodyLimit(limit)| *limit);
    timeout(BODY_TIMEOUT, read_up_to(limit, request.into_body()))
        .await
        .unwrap_or_else(|_| Err(malformed("the body did not arrive in time")))
}

async fn read_up_to(limit: usize, mut body: Body) -> Result<Bytes, Problem> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > limit.saturating_add(DISCARDED_BYTES) {
        return Err(too_large(limit));
    }
    let mut read = BytesMut::with_capacity(expected.min(limit));
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| malformed("the body ended early"))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        total += data.len();
        if total > limit.saturating_add(DISCARDED_BYTES) {
            return Err(too_large(limit));
        }
        if total <= limit {
            read.extend_from_slice(data);
        }
    }
    if total > limit { Err(too_large(limit)) } else { Ok(read.freeze()) }
}

pub(crate) fn malformed(detail: &str) -> Problem {
    Problem::new(ErrorCode::Malformed).with_field("body").with_detail(detail)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ErrorCode::TooLarge)
        .with_field("body")
        .with_detail(format!("the body has more than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        for (size, fits) in
            [(0, true), (10, true), (11, false), (10 + DISCARDED_BYTES, false), (11 + DISCARDED_BYTES, false)]
        {
            let result = read_up_to(10, Body::from(vec![b'x'; size])).await;
            assert_eq!(
                result.map(|body| body.len()).map_err(|problem| problem.code()),
                if fits { Ok(size) } else { Err(ErrorCode::TooLarge) }
            );
        }
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_not_read_for_ever() {
        let endless = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1000])));
        let result = read_up_to(10, Body::from_stream(endless)).await;
        assert_eq!(result.map_err(|problem| problem.code()), Err(ErrorCode::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let problem = read(Request::new(silent)).await.unwrap_err();
        assert_eq!(problem, malformed("the body did not arrive in time"));
    }
}
