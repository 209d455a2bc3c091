//! Accounts, logins, contacts and devices: the bodies of the HTTP calls.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Shard, Timestamp, Username};

/// A password or a token in a request: shown nowhere.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// Asks for an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignUp {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// The name as others see it; the username without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Asks for a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogIn {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// What the user calls this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// Asks for a fresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// The refresh token; it works once.
    pub refresh_token: Secret,
}

/// Asks for another password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The password as it is.
    pub current: Secret,
    /// The password as it will be.
    pub new: Secret,
}

/// A login's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The access token.
    pub token: Secret,
    /// `Bearer`.
    pub token_type: String,
    /// For how many seconds the token holds.
    pub expires_in: u64,
    /// What gets the next token, once.
    pub refresh_token: Secret,
    /// The user.
    pub user: User,
    /// Where the user belongs.
    pub servers: Servers,
}

/// A user as everybody sees one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name.
    pub username: Username,
    /// The name as others see it.
    pub display_name: String,
    /// What the user says of themself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// What the user is up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// Changes a profile: a missing field stays as it is, `null` takes it away.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct UpdateProfile {
    /// The name as others see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What the user says of themself.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub bio: Option<Option<String>>,
    /// A picture.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Option<String>>,
    /// What the user is up to.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub status_text: Option<Option<String>>,
}

/// Where a user belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// The placement table's epoch.
    pub epoch: u64,
    /// For `/chat`.
    pub chat: Server,
    /// For `/presence`.
    pub presence: Server,
}

/// A shard and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its name.
    pub shard: Shard,
    /// The WebSocket's address.
    pub url: String,
}

/// A ticket: it opens one socket once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// What goes into `?ticket=`.
    pub ticket: Secret,
    /// For how many seconds it holds.
    pub expires_in: u64,
}

/// A contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The user.
    pub username: Username,
    /// Whether the user has added the asking one as well.
    pub mutual: bool,
    /// When it was added.
    pub added_at: Timestamp,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What goes into `cursor` for the next page; nothing on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Gives the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

fn nullable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn a_missing_field_is_not_a_null() {
        let update: UpdateProfile = serde_json::from_str(r#"{"bio":null,"status_text":"out"}"#).unwrap();
        assert_eq!(
            (update.bio, update.avatar_url, update.status_text),
            (Some(None), None, Some(Some("out".to_owned())))
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        let body: LogIn = serde_json::from_str(r#"{"username":"ada","password":"hunter2hunter2"}"#).unwrap();
        assert!(!format!("{body:?}").contains("hunter2"));
    }
}
