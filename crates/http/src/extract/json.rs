//! JSON bodies.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use protocol::ErrorCode;
use protocol::parse::nests_deeper_than;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body::{malformed, read};
use super::reason::{invalid, named};
use crate::Problem;

/// How deep a body may nest.
pub const MAX_BODY_DEPTH: usize = 16;

/// A body that is one JSON object, and an answer in JSON.
///
/// Unknown fields are ignored, so that a client may be newer than its server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType)
                .with_detail("the content type must be application/json"));
        }
        parse(&read(request).await?).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads an object.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not valid utf-8"))?;
    if nests_deeper_than(body, MAX_BODY_DEPTH) {
        return Err(malformed("the body nests too deep"));
    }
    // serde would read a struct from an array too.
    if !text.trim_start().starts_with('{') {
        return Err(malformed("the body must be a json object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = error.inner().to_string();
        if error.inner().is_data() {
            return invalid(error.path(), &message);
        }
        let problem = malformed(&format!("the body is not valid json: {message}"));
        match named(error.path()) {
            Some(field) => problem.with_field(field),
            None => problem,
        }
    })?;
    reader.end().map_err(|_| malformed("there is something after the json object"))?;
    Ok(value)
}

/// Tells whether the body is declared as `application/json`, or as something with the suffix `+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Group {
        title: Option<String>,
        members: Vec<Member>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Member {
        name: String,
        #[serde(default)]
        age: u8,
    }

    fn blamed(body: impl AsRef<[u8]>) -> (ErrorCode, String) {
        let problem = parse::<Group>(body.as_ref()).unwrap_err();
        (problem.code(), problem.field().unwrap_or_default().to_owned())
    }

    #[test]
    fn an_object_is_read_and_unknown_fields_are_ignored() {
        let body = r#" {"members":[{"name":"ada","shoe":{"size":[38]}}],"new":null} "#;
        let member = Member { name: "ada".to_owned(), age: 0 };
        assert_eq!(parse(body.as_bytes()), Ok(Group { title: None, members: vec![member] }));
    }

    #[test]
    fn the_field_to_blame_is_named() {
        let invalid = |field: &str| (ErrorCode::InvalidField, field.to_owned());
        assert_eq!(blamed(r"{}"), invalid("members"));
        assert_eq!(blamed(r#"{"members":7}"#), invalid("members"));
        assert_eq!(blamed(r#"{"members":[{"name":"ada"},{"name":null}]}"#), invalid("members[1].name"));
        assert_eq!(blamed(r#"{"members":[{"name":"ada","age":256}]}"#), invalid("members[0].age"));
        assert_eq!(blamed(r#"{"members":[{"age":1}]}"#), invalid("members[0].name"));
        assert_eq!(blamed(r#"{"members":[],"members":[]}"#), invalid("members"));
    }

    #[test]
    fn what_is_no_json_object_is_malformed() {
        let body = (ErrorCode::Malformed, "body".to_owned());
        for text in ["", " ", "nul", "null", "7", "\"x\"", "[]", "[null,[]]", "{", "{]", "{'a':1}"] {
            assert_eq!(blamed(text).0, ErrorCode::Malformed, "{text}");
        }
        assert_eq!(blamed("{"), body);
        assert_eq!(blamed(r#"{"members":[]} {}"#), body);
        assert_eq!(blamed(b"{\"members\":[],\"x\":\"\xff\"}"), body);
        assert_eq!(blamed(r#"{"title":"\ud800","members":[]}"#), (ErrorCode::Malformed, "title".to_owned()));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| {
            format!("{{\"members\":[],\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
        };
        assert!(parse::<Group>(nested(16).as_bytes()).is_ok());
        assert_eq!(blamed(nested(17)).0, ErrorCode::Malformed);
        assert_eq!(blamed(nested(100_000)).0, ErrorCode::Malformed);
    }

    #[test]
    fn the_content_type_must_be_json() {
        let declared = |value: &str| is_json(&HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]));
        assert!(
            ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
                .iter()
                .all(|value| declared(value))
        );
        assert!(
            !["text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""]
                .iter()
                .any(|value| declared(value))
        );
        assert!(!is_json(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(body: Vec<u8>) {
            prop_assert!(parse::<Group>(&body).is_err());
        }
    }
}
