//! The HTTP role: accounts and logins, contacts, conversations, history and search, devices, and the way of a
//! socket to its user's shard.
//!
//! [`Api`] is built from [`ApiParts`] and becomes a router; nothing is global. `handlers` holds one file a subject of
//! the public interface, `routes` the list of all calls, and the files beside them what the handlers share.

mod address;
mod announcer;
mod api;
mod authenticate;
mod carrier;
mod conversation_view;
mod failure;
mod fields;
mod guesses;
mod handlers;
mod idempotency;
mod keys;
mod limits;
mod metrics;
mod options;
mod paging;
mod passwords;
mod path;
mod public_keys;
mod routes;

pub use api::{Api, ApiParts};
pub use handlers::notify::Notifier;
pub use keys::{Keys, KeysError, KeysParts};
pub use limits::{LimitOptions, Quota};
pub use options::ApiOptions;
pub use public_keys::PublicKeys;
pub use routes::calls;
