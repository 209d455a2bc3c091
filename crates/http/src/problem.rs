//! What a caller is told when a request fails (RFC 9457).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use protocol::ErrorCode;
use serde_json::{Map, Value};

/// The content type of a problem document.
pub(crate) const CONTENT_TYPE_PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A failure as its caller sees it: `application/problem+json` with a stable `code`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: ErrorCode,
    status: StatusCode,
    detail: Option<String>,
    field: Option<String>,
    retry_after_ms: Option<u64>,
}

impl Problem {
    /// Makes the problem of a code, with the status that goes with it.
    pub fn new(code: ErrorCode) -> Self {
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { code, status, detail: None, field: None, retry_after_ms: None }
    }

    /// Makes the problem that a bare status stands for, with the nearest code.
    pub fn from_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => ErrorCode::Unauthenticated,
            StatusCode::FORBIDDEN => ErrorCode::NotAllowed,
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::CONFLICT => ErrorCode::Conflict,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => ErrorCode::InvalidField,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
            status if status.is_client_error() => ErrorCode::Malformed,
            _ => ErrorCode::Internal,
        };
        Self { status, ..Self::new(code) }
    }

    /// Makes the problem of a failure that is nobody's business but ours, and logs it.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(ErrorCode::Internal)
    }

    /// Makes the problem of a field that is missing, of the wrong type or out of bounds.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidField).with_field(field).with_detail(detail)
    }

    /// Says what is wrong with this request; it is shown to the caller.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Names the field that is to blame, as a path like `members[1].role`.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Says after how many milliseconds the same request may succeed (`Retry-After`, rounded up to seconds).
    #[must_use]
    pub fn with_retry_after_ms(self, milliseconds: u64) -> Self {
        Self { retry_after_ms: Some(milliseconds), ..self }
    }

    /// Gives the code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Gives the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Gives what is wrong with this request, if it was said.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Gives the field that is to blame, if there is one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Gives the document.
    fn document(&self) -> Value {
        let mut members = Map::new();
        let code = self.code.as_str();
        members.insert("type".to_owned(), format!("urn:chatapp:problem:{code}").into());
        members.insert("title".to_owned(), self.code.title().into());
        members.insert("status".to_owned(), self.status.as_u16().into());
        members.insert("detail".to_owned(), self.detail.as_deref().unwrap_or(self.code.title()).into());
        members.insert("code".to_owned(), code.into());
        if let Some(field) = &self.field {
            members.insert("field".to_owned(), field.as_str().into());
        }
        Value::Object(members)
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.document().to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, CONTENT_TYPE_PROBLEM);
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 11.6.1: a 401 names a way to authenticate.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(milliseconds) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, milliseconds.div_ceil(1000).max(1).into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_every_member() {
        let problem = Problem::invalid_field("members[1]", "must be a username");
        let expected = serde_json::json!({
            "type": "urn:chatapp:problem:invalid_field",
            "title": ErrorCode::InvalidField.title(),
            "status": 422,
            "detail": "must be a username",
            "code": "invalid_field",
            "field": "members[1]",
        });
        assert_eq!(problem.document(), expected);
    }

    #[test]
    fn headers_say_how_to_go_on() {
        let response = Problem::new(ErrorCode::TooManyAttempts).with_retry_after_ms(1001).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
            (429, &"2".parse().unwrap())
        );
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let response = Problem::new(ErrorCode::Unauthenticated).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn every_code_has_a_status_that_stands_for_a_failure() {
        for code in ErrorCode::ALL {
            let status = Problem::new(*code).status();
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
            assert_eq!(Problem::from_status(status).status(), status, "{code:?}");
        }
    }

    #[test]
    fn a_status_without_a_code_of_its_own_is_kept() {
        let problem = Problem::from_status(StatusCode::UPGRADE_REQUIRED);
        assert_eq!((problem.status(), problem.code()), (StatusCode::UPGRADE_REQUIRED, ErrorCode::Malformed));
    }
}
