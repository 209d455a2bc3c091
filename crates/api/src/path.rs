//! What a path names.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use protocol::{ClientId, ConversationId, ErrorCode, Username};

use crate::failure::Failure;

/// What the variable parts of a path name, in order.
pub(crate) struct Path<T>(pub(crate) T);

/// A variable part of a path. One that cannot name anything names nothing that is there.
pub(crate) trait PathPart: Sized {
    /// Reads the part.
    fn read(text: &str) -> Result<Self, Failure>;
}

/// All variable parts of a path.
pub(crate) trait PathParts: Sized {
    /// Reads the parts.
    fn read_all(parts: &[&str]) -> Result<Self, Failure>;
}

impl PathPart for Username {
    fn read(text: &str) -> Result<Self, Failure> {
        Self::new(text).map_err(|_| ErrorCode::UserNotFound.into())
    }
}

impl PathPart for ConversationId {
    fn read(text: &str) -> Result<Self, Failure> {
        Self::parse(text).map_err(|_| ErrorCode::ConversationNotFound.into())
    }
}

impl PathPart for String {
    fn read(text: &str) -> Result<Self, Failure> {
        Ok(text.to_owned())
    }
}

impl PathPart for ClientId {
    fn read(text: &str) -> Result<Self, Failure> {
        Self::new(text).map_err(|error| Failure::field("id", error.to_string()))
    }
}

impl<T: PathPart> PathParts for T {
    fn read_all(parts: &[&str]) -> Result<Self, Failure> {
        match parts {
            [part] => T::read(part),
            _ => Err(ErrorCode::NotFound.into()),
        }
    }
}

impl<A: PathPart, B: PathPart> PathParts for (A, B) {
    fn read_all(parts: &[&str]) -> Result<Self, Failure> {
        match parts {
            [first, second] => Ok((A::read(first)?, B::read(second)?)),
            _ => Err(ErrorCode::NotFound.into()),
        }
    }
}

impl<T: PathParts, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        // What is not UTF-8 names nothing.
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| Failure::new(ErrorCode::NotFound))?;
        let values: Vec<&str> = params.iter().map(|(_, value)| value).collect();
        T::read_all(&values).map(Self)
    }
}
