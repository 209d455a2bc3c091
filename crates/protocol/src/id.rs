//! Identifiers: of conversations, of logins, and those that clients choose.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A conversation: 128 opaque bits, written as 22 characters of URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationId(pub [u8; 16]);

/// A login: what a password was given for once, and what a family of refresh tokens, its access tokens and its sockets belong to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LoginId(pub [u8; 16]);

/// An identifier that a client chose for one request, 1 to 64 characters of printable ASCII.
///
/// It makes a send idempotent: the same one from the same user in the same conversation is the same message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(Box<str>);

/// Says why an identifier is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not 16 bytes in URL-safe base64.
    #[error("an identifier of 22 characters of url-safe base64 is expected")]
    Opaque,
    /// Not an identifier that a client may choose.
    #[error("an id has 1 to 64 printable ASCII characters without blanks")]
    Client,
}

impl ClientId {
    /// Checks `id`.
    pub fn new(id: &str) -> Result<Self, InvalidId> {
        if id.is_empty() || id.len() > 64 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidId::Client);
        }
        Ok(Self(id.into()))
    }

    /// Gives the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidId;
    fn try_from(id: String) -> Result<Self, InvalidId> {
        Self::new(&id)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0.into()
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

macro_rules! opaque {
    ($type:ident) => {
        impl $type {
            /// Reads the written form.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; 16];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok(16) => Ok(Self(bytes)),
                    _ => Err(InvalidId::Opaque),
                }
            }
        }
        impl TryFrom<String> for $type {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
        impl From<$type> for String {
            fn from(id: $type) -> Self {
                URL_SAFE_NO_PAD.encode(id.0)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{self}")
            }
        }
    };
}

opaque!(ConversationId);
opaque!(LoginId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 16]) {
            prop_assert_eq!(ConversationId::parse(&ConversationId(bytes).to_string()), Ok(ConversationId(bytes)));
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "\\PC{0,40}") {
            if let Ok(id) = ConversationId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn client_ids_are_short_and_printable() {
        assert!(ClientId::new("a1").is_ok());
        for bad in ["", "a b", "ä", "\u{0}", &"x".repeat(65)] {
            assert!(ClientId::new(bad).is_err(), "{bad:?}");
        }
    }
}
