//! Query strings.

use std::error::Error;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::de::value::Error as ValueError;

use super::reason::invalid;
use crate::Problem;

/// The parameters in a query string; those that `T` does not know are ignored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !is_utf8_when_decoded(parts.uri.query().unwrap_or_default()) {
            return Err(Problem::invalid_field("query", "the query is not valid utf-8"));
        }
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(problem(&rejection)),
        }
    }
}

/// Looks behind axum's rejection for the error that knows the field.
fn problem(rejection: &(dyn Error + 'static)) -> Problem {
    let causes = std::iter::successors(Some(rejection), |&error| error.source());
    causes
        .filter_map(|error| error.downcast_ref::<serde_path_to_error::Error<ValueError>>())
        .map(|error| invalid(error.path(), &error.inner().to_string()))
        .next()
        .unwrap_or_else(|| Problem::invalid_field("query", rejection.to_string()))
}

/// Tells whether the percent-encoded bytes are UTF-8; the parser would replace those that are not.
fn is_utf8_when_decoded(query: &str) -> bool {
    let mut decoded = Vec::with_capacity(query.len());
    let mut rest = query.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| first == b'%').and_then(hexadecimal);
        decoded.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u8::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use protocol::ErrorCode;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        query: String,
        limit: Option<u8>,
    }

    async fn page(query: &str) -> Result<Page, Problem> {
        let request = http::Request::builder().uri(format!("/users?{query}")).body(()).unwrap();
        let mut parts = request.into_parts().0;
        Query::from_request_parts(&mut parts, &()).await.map(|Query(page)| page)
    }

    #[tokio::test]
    async fn parameters_are_read_and_unknown_ones_ignored() {
        let expected = Page { query: "ä b".to_owned(), limit: Some(7) };
        assert_eq!(page("query=%C3%A4+b&limit=7&new=1").await, Ok(expected));
    }

    #[tokio::test]
    async fn the_parameter_to_blame_is_named() {
        let invalid = Problem::invalid_field;
        assert_eq!(page("query=x&limit=ten").await, Err(invalid("limit", "invalid digit found in string")));
        assert_eq!(
            page("query=x&limit=256").await,
            Err(invalid("limit", "number too large to fit in target type"))
        );
        assert_eq!(page("limit=7").await, Err(invalid("query", "the field is missing")));
        assert_eq!(page("query=x&query=y").await, Err(invalid("query", "the field is there more than once")));
    }

    #[tokio::test]
    async fn bytes_that_are_no_utf8_are_refused() {
        for query in ["query=%ff", "query=%C3", "query=%ED%A0%80"] {
            assert_eq!(
                page(query).await.map_err(|problem| problem.code()),
                Err(ErrorCode::InvalidField),
                "{query}"
            );
        }
        assert!(page("query=100%&limit=1").await.is_ok());
        assert!(page("query=%zz%4").await.is_ok());
    }
}
