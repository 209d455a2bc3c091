//! The claims of a token as they are signed.

use protocol::{LoginId, Timestamp};
use serde::{Deserialize, Serialize};

use super::TokenId;

/// Every claim of every kind of token (RFC 7519, 4.1; `sid` is OpenID Connect's, `scope` RFC 8693's).
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<LoginId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<String>,
    pub(super) jti: TokenId,
    pub(super) iat: u64,
    pub(super) nbf: u64,
    pub(super) exp: u64,
}

/// Gives the whole seconds since the epoch, the unit of a JWT's times.
pub(super) fn seconds(time: Timestamp) -> u64 {
    time.0 / 1000
}

/// Gives the time that a JWT writes as `seconds`.
pub(super) fn timestamp(seconds: u64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}
