//! Finds the field that is to blame in what serde says.

use serde_path_to_error::Path;

use crate::Problem;

/// Makes the problem of a value that could not be read, from serde's path and message.
///
/// serde reports a field that is missing or there twice at the object around it, and names it in the message only.
pub(super) fn invalid(path: &Path, message: &str) -> Problem {
    // The place within a body helps nobody who has the field.
    let message = message.split(" at line ").next().unwrap_or(message);
    let parent = named(path);
    let within = |name: &str| match &parent {
        None => name.to_owned(),
        Some(parent) => format!("{parent}.{name}"),
    };
    match (quoted(message, "missing field `"), quoted(message, "duplicate field `")) {
        (Some(name), _) => Problem::invalid_field(within(name), "the field is missing"),
        (_, Some(name)) => Problem::invalid_field(within(name), "the field is there more than once"),
        _ => Problem::invalid_field(parent.unwrap_or_else(|| "body".to_owned()), message),
    }
}

/// Writes a path as far as it is known, none for the whole value; serde writes `.` for that, and `?` for a key that it
/// could not read.
pub(super) fn named(path: &Path) -> Option<String> {
    let path = path.to_string();
    let known = path.trim_end_matches('?').trim_end_matches('.');
    (!known.is_empty()).then(|| known.to_owned())
}

fn quoted<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.split('`').next()
}
