//! The frames of `/presence`.

use serde::{Deserialize, Serialize};

use crate::chat::{ErrorFrame, Reconnect, Welcome};
use crate::parse::{self, FrameError, invalid};
use crate::{ErrorCode, Timestamp, Username};

/// How many users one `subscribe` may name.
pub const MAX_SUBSCRIBE: usize = 500;
/// The longest status text, in characters.
pub const MAX_STATUS_CHARS: usize = 140;

/// Whether a user is there, as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There.
    Online,
    /// There, but not active.
    Away,
    /// There, and not to be disturbed.
    Busy,
    /// Not there, or not to be seen.
    Offline,
}

/// What a user says of themself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenStatus {
    /// There.
    Online,
    /// Not active.
    Away,
    /// Not to be disturbed.
    Busy,
    /// Shown to others as offline.
    Invisible,
}

/// What a client sends on `/presence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// The user's own status.
    Status {
        /// The status.
        status: ChosenStatus,
        /// A text beside it; without it the text stays.
        status_text: Option<String>,
    },
    /// Follow these users.
    Subscribe(Vec<Username>),
    /// Follow them no more.
    Unsubscribe(Vec<Username>),
    /// The person did something.
    Active,
    /// Asks for a `pong`.
    Ping(Option<crate::ClientId>),
}

/// What a server sends on `/presence`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame.
    Welcome(Welcome),
    /// How several users are.
    Snapshot {
        /// The users.
        users: Vec<Presence>,
    },
    /// How one user is now.
    Presence(Presence),
    /// The answer to a `ping`.
    Pong {
        /// The ping's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<crate::ClientId>,
    },
    /// Go to another place.
    Reconnect(Reconnect),
    /// A request was refused.
    Error(ErrorFrame),
}

/// How a user is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The user.
    pub user: Username,
    /// The status.
    pub status: Status,
    /// When the user was last there.
    pub last_seen: Option<Timestamp>,
    /// What the user is up to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<String>,
}

#[derive(Deserialize)]
struct StatusFields {
    status: ChosenStatus,
    #[serde(default)]
    status_text: Option<String>,
}

#[derive(Deserialize)]
struct UserFields {
    users: Vec<Username>,
}

impl ClientFrame {
    /// Reads a frame and checks its values.
    ///
    /// # Errors
    /// See [`FrameError`]: not JSON, an unknown type, or a field that is missing or wrong.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let (kind, id) = parse::head(text)?;
        Ok(match kind.as_ref() {
            "status" => {
                let StatusFields { status, status_text } = parse::fields(text, id.clone())?;
                if status_text.as_ref().is_some_and(|text| text.chars().count() > MAX_STATUS_CHARS) {
                    return Err(invalid("status_text", "is too long", id));
                }
                Self::Status { status, status_text }
            }
            "subscribe" => Self::Subscribe(users(text, id)?),
            "unsubscribe" => Self::Unsubscribe(users(text, id)?),
            "active" => Self::Active,
            "ping" => Self::Ping(id),
            other => {
                let shown: String = other.chars().take(32).collect();
                let detail = format!("type: {shown:?} is not a type of frame");
                return Err(FrameError { code: ErrorCode::UnknownType, detail, id });
            }
        })
    }
}

impl ServerFrame {
    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        // Strings and numbers always encode.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn users(text: &str, id: Option<crate::ClientId>) -> Result<Vec<Username>, FrameError> {
    let UserFields { users } = parse::fields(text, id.clone())?;
    if users.len() > MAX_SUBSCRIBE {
        return Err(invalid("users", "are too many", id));
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn frames_are_read_and_checked() {
        assert_eq!(ClientFrame::parse(r#"{"type":"active"}"#), Ok(ClientFrame::Active));
        let status =
            ClientFrame::parse(r#"{"type":"status","status":"invisible","status_text":"x"}"#).unwrap();
        assert_eq!(
            status,
            ClientFrame::Status { status: ChosenStatus::Invisible, status_text: Some("x".to_owned()) }
        );
        let error = ClientFrame::parse(r#"{"type":"status","status":"dead"}"#).unwrap_err();
        assert!(error.detail.starts_with("status: unknown variant"), "{}", error.detail);
        assert_eq!(ClientFrame::parse(r#"{"type":"send"}"#).unwrap_err().code, ErrorCode::UnknownType);
    }

    #[test]
    fn nobody_follows_too_many_at_once() {
        let users: Vec<String> = (0..=MAX_SUBSCRIBE).map(|n| format!("\"user{n}\"")).collect();
        let text = format!(r#"{{"type":"subscribe","users":[{}]}}"#, users.join(","));
        assert!(ClientFrame::parse(&text).unwrap_err().detail.starts_with("users"));
    }
}
