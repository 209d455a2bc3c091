//! What can go wrong with an archive.

use std::error::Error as _;

/// An archive's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archive cannot be reached or is too busy, also after retries; the same request may succeed later.
    #[error("the archive is not available: {0}")]
    Unavailable(String),
    /// The credentials are wrong, or do not allow this: an operator has to look.
    #[error("the archive refuses the credentials: {0}")]
    Denied(String),
    /// There is no such bucket: an operator has to look.
    #[error("there is no such bucket: {0}")]
    NoBucket(String),
    /// There is no such segment.
    #[error("there is no such segment")]
    NotFound,
    /// The segment is not what was stored.
    #[error("a segment is corrupt: {0}")]
    Corrupt(&'static str),
    /// A newer version of this program stored the segment.
    #[error("a segment has format {0}, which is newer than this program")]
    Newer(u8),
    /// This can be no segment.
    #[error("this can be no segment: {0}")]
    Invalid(&'static str),
    /// The options make no sense, or name a file that cannot be read.
    #[error("cannot open the archive: {0}")]
    Options(String),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as Object;
        let whole = with_causes(&error);
        let said = short(&whole);
        match error {
            _ if whole.contains("NoSuchBucket") => Self::NoBucket(said),
            Object::PermissionDenied { .. } | Object::Unauthenticated { .. } => Self::Denied(said),
            // Of a listing it gives no kind, only what the server answered.
            _ if ["401 Unauthorized", "403 Forbidden"].iter().any(|status| whole.contains(status)) => {
                Self::Denied(said)
            }
            Object::NotFound { .. } => Self::NotFound,
            _ => Self::Unavailable(said),
        }
    }
}

/// Gives an error with its causes in a line.
fn with_causes(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.replace('\n', " ")
}

/// Gives of an answer in XML its code alone: the rest repeats what was asked.
fn short(text: &str) -> String {
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or(text, |(code, _)| code).to_owned()
}
