//! Who is asking: the credentials of a request, checked against the keys and the logins. One rule for calls and for sockets.

mod authenticator;
mod credentials;

pub use authenticator::{Authenticator, Identity, Refusal};
pub use credentials::Credentials;

/// The subprotocol that the sockets speak.
pub const SUBPROTOCOL: &str = "chatapp.v1";
