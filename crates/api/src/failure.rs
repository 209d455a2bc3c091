//! What a handler answers when it cannot do what was asked.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http_edge::Problem;
use identity::Refusal;
use protocol::ErrorCode;

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Failure>;

/// Why a request was refused or failed: a problem document that also what the ports and cores say can become.
#[derive(Debug)]
pub(crate) struct Failure(Box<Problem>);

impl Failure {
    /// Makes a failure that says no more than its code.
    pub(crate) fn new(code: ErrorCode) -> Self {
        Problem::new(code).into()
    }

    /// Makes a failure with a sentence about this very case.
    pub(crate) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Problem::new(code).with_detail(detail).into()
    }

    /// Says what is wrong with a field.
    pub(crate) fn field(name: &str, reason: impl Into<String>) -> Self {
        Problem::invalid_field(name, reason).into()
    }

    /// Says when the same request may succeed.
    pub(crate) fn retry(code: ErrorCode, after: Duration) -> Self {
        let milliseconds = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        Problem::new(code).with_retry_after_ms(milliseconds).into()
    }

    /// Names the field that is to blame.
    #[must_use]
    pub(crate) fn with_field(self, name: &str) -> Self {
        self.0.with_field(name).into()
    }

    /// Gives the stable code.
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl From<ports::Error> for Failure {
    fn from(error: ports::Error) -> Self {
        match error.code() {
            // What the store says of itself is for the operator, not for clients.
            code @ ErrorCode::Unavailable => {
                tracing::warn!(%error, "the store did not answer");
                Self::retry(code, Duration::from_secs(1))
            }
            code @ ErrorCode::Internal => {
                tracing::error!(%error, "the store failed");
                Self::new(code)
            }
            code => Self::because(code, error.to_string()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
