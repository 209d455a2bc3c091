//! Extractors whose rejections are problem documents that name the field.

mod body;
mod json;
mod path;
mod query;
mod reason;

pub(crate) use body::malformed;
pub use body::{BODY_TIMEOUT, BodyLimit, MAX_BODY_BYTES};
pub use json::{Json, MAX_BODY_DEPTH};
pub use path::Path;
pub use query::Query;
