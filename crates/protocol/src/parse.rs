//! Reading frames: first what kind it is, then its fields, with errors that name the field.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{ClientId, ErrorCode};

/// Says why a frame cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct FrameError {
    /// The stable code.
    pub code: ErrorCode,
    /// What is wrong, naming the field.
    pub detail: String,
    /// The frame's own id, if it could be read: the answer carries it.
    pub id: Option<ClientId>,
}

/// What every frame begins with.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    id: Option<serde_json::Value>,
}

/// Gives the `type` of a frame, and its `id` if it has a proper one.
///
/// # Errors
/// `Malformed` if the text is not a JSON object, `InvalidField` if there is no `type`.
pub fn head(text: &str) -> Result<(std::borrow::Cow<'_, str>, Option<ClientId>), FrameError> {
    // A Head would also be read from an array, which is not a frame.
    if !text.trim_start().starts_with('{') {
        return Err(malformed("a frame is a JSON object"));
    }
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            invalid("type", "must be a string", None)
        } else {
            malformed("the frame is not valid JSON")
        }
    })?;
    let id = head.id.and_then(|id| id.as_str().and_then(|id| ClientId::new(id).ok()));
    match head.kind {
        Some(kind) => Ok((kind, id)),
        None => Err(invalid("type", "is missing", id)),
    }
}

/// Reads the fields of a frame whose kind is known.
///
/// # Errors
/// `InvalidField` that names the field.
pub fn fields<T: DeserializeOwned>(text: &str, id: Option<ClientId>) -> Result<T, FrameError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let reason = without_place(&error.inner().to_string());
        let detail = if path == "." { reason } else { format!("{path}: {reason}") };
        FrameError { code: ErrorCode::InvalidField, detail, id }
    })
}

/// Makes an `InvalidField` error.
pub fn invalid(field: &str, reason: &str, id: Option<ClientId>) -> FrameError {
    FrameError { code: ErrorCode::InvalidField, detail: format!("{field}: {reason}"), id }
}

fn malformed(detail: &str) -> FrameError {
    FrameError { code: ErrorCode::Malformed, detail: detail.to_owned(), id: None }
}

/// Drops " at line 1 column 7" from the JSON library's messages: a frame has one line.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// Says whether the JSON nests deeper than `limit` levels; strings are passed over.
pub fn nests_deeper_than(json: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_a_type_has_a_head() {
        assert_eq!(head("{").map_err(|error| error.code), Err(ErrorCode::Malformed));
        assert_eq!(head("[]").map_err(|error| error.code), Err(ErrorCode::Malformed));
        assert_eq!(head("\"x\"").map_err(|error| error.code), Err(ErrorCode::Malformed));
        assert_eq!(head("{}").map_err(|error| error.detail), Err("type: is missing".to_owned()));
        assert_eq!(head("{\"type\":7}").map_err(|error| error.code), Err(ErrorCode::InvalidField));
        assert_eq!(head(" {\"type\":\"ping\",\"id\":7}"), Ok(("ping".into(), None)));
    }

    #[test]
    fn nesting_is_counted_outside_of_strings() {
        assert!(!nests_deeper_than(br#"{"a":"[[[[\"[[","b":[[]]}"#, 3));
        assert!(nests_deeper_than(br#"{"b":[[[]]]}"#, 3));
    }
}
