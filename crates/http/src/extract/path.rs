//! Parameters in paths.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use protocol::ErrorCode;
use serde::de::DeserializeOwned;

use crate::Problem;

/// The parameters in a path. One that cannot be what it should is a 404 that names it: there is no such thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let rejection = match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => return Ok(Self(value)),
            Err(rejection) => rejection,
        };
        let PathRejection::FailedToDeserializePathParams(error) = rejection else {
            return Err(Problem::internal(rejection));
        };
        // axum knows the name only of a parameter that goes into a named field.
        match error.into_kind() {
            ErrorKind::ParseErrorAtKey { key, .. }
            | ErrorKind::DeserializeError { key, .. }
            | ErrorKind::InvalidUtf8InPathParam { key } => Err(not_found(Some(key))),
            ErrorKind::ParseErrorAtIndex { index, .. } => Err(not_found(name(parts, state, index).await)),
            ErrorKind::ParseError { .. } | ErrorKind::Message(_) => {
                Err(not_found(name(parts, state, 0).await))
            }
            kind => Err(Problem::internal(kind)),
        }
    }
}

async fn name<S: Send + Sync>(parts: &mut Parts, state: &S, index: usize) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.ok()?;
    parameters.iter().nth(index).map(|(name, _)| name.to_owned())
}

fn not_found(field: Option<String>) -> Problem {
    let problem = Problem::new(ErrorCode::NotFound);
    match field {
        Some(field) => problem.with_field(field),
        None => problem,
    }
}
