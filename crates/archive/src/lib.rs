//! The older segments of the conversations' logs: what no longer has to be in the store.
//!
//! [`Archive`] is the port. [`ObjectArchive`] keeps each segment as one object that is never changed, in a folder or in a
//! bucket of an S3-compatible service. `name` says what the objects are called, `format` what is in them.

mod archive;
mod error;
mod folder;
mod format;
mod name;
mod object;
mod s3;

pub use archive::{Archive, Segment, Stored};
pub use error::{Error, Result};
pub use format::MAX_BYTES;
pub use object::ObjectArchive;
pub use s3::{Credentials, S3Options};
