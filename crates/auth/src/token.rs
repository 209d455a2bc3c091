//! Signed tokens (JWT with Ed25519) and the keys behind them.
//!
//! The rules are RFC 8725's: one algorithm, fixed here and never taken from a token; a type for each purpose; keys
//! looked up by identifier in our own set, and nothing else in a header is heeded or even accepted.

mod claims;
mod issuer;
mod key;
mod ring;
mod verifier;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use protocol::InvalidId;
use serde::{Deserialize, Serialize};

pub use issuer::{Issued, Issuer, Lifetimes};
pub use key::{Jwk, Jwks, KeyError, PublicKey, SigningKey};
pub use ring::{KeyRing, Rotation, RotationPolicy, rotate};
pub use verifier::{AccessToken, ServiceToken, Ticket, TokenError, Verifier};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// Who issues the tokens, and for whom: one deployment accepts none of another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// The `iss` of every token.
    pub issuer: String,
    /// The `aud` of every token.
    pub audience: String,
}

/// What a token is good for; each kind is accepted for its own purpose only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Calls of a logged-in user (RFC 9068 names the type).
    Access,
    /// Opens one socket once.
    Ticket,
    /// Calls of another service.
    Service,
}

/// A token's own identifier: 128 random bits, written as 22 characters of URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId(pub [u8; 16]);

impl TokenKind {
    /// Gives the `typ` in the header.
    pub fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Ticket => "ws-ticket+jwt",
            Self::Service => "st+jwt",
        }
    }

    /// Gives the only header that a token of this kind, signed by the key `kid`, has.
    fn header(self, kid: &str) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(self.typ().to_owned());
        header.kid = Some(kid.to_owned());
        header
    }
}

impl TryFrom<String> for TokenId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            _ => Err(InvalidId::Opaque),
        }
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}
