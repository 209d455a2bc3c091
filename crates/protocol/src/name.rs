//! Names of users and of shards.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A user's name: 3 to 32 characters of `a–z 0–9 . _ -`, the first a letter or digit; capitals are folded.
///
/// It is the user's identity everywhere. The name of a deleted account is never given out again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(Arc<str>);

/// The name of a shard (of its pod): 1 to 63 characters of `a–z 0–9 -`, as a DNS label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard(Arc<str>);

/// Says why a name is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not a user's name.
    #[error(
        "a username has 3 to 32 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"
    )]
    Username,
    /// Not a shard's name.
    #[error("a shard's name has 1 to 63 characters of a-z, 0-9 and '-'")]
    Shard,
}

impl Username {
    /// Checks and folds `name`.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !(3..=32).contains(&name.len()) || !first || !rest {
            return Err(InvalidName::Username);
        }
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(name.to_ascii_lowercase().into()));
        }
        Ok(Self(name.into()))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Shard {
    /// Checks `name`.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        let fits =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if name.is_empty() || name.len() > 63 || !fits {
            return Err(InvalidName::Shard);
        }
        Ok(Self(name.into()))
    }

    /// Gives the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::new(&name)
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.as_ref().to_owned()
            }
        }
        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

text!(Username);
text!(Shard);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_checked_and_folded() {
        assert_eq!(Username::new("Ada.L").map(|name| name.as_str().to_owned()), Ok("ada.l".to_owned()));
        for bad in ["", "x", "ab", "-ab", ".abc", "a b", "ada\n", "ädä", &"n".repeat(33)] {
            assert_eq!(Username::new(bad), Err(InvalidName::Username), "{bad:?}");
        }
    }

    #[test]
    fn a_bad_name_in_json_is_an_error() {
        assert!(serde_json::from_str::<Username>("\"x\"").is_err());
        assert!(serde_json::from_str::<Shard>("\"Chat_0\"").is_err());
    }
}
