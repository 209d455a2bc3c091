//! What is kept of a login between runs.

use protocol::Timestamp;
use protocol::account::{LoggedIn, Secret, Servers, User};
use serde::{Deserialize, Serialize};

/// A login as it can be kept: whoever has it is the user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedSession {
    /// The server's address.
    pub server: String,
    /// The user as of the login.
    pub user: User,
    /// Where the user belonged when the server said so last.
    pub servers: Servers,
    /// The token.
    pub token: Secret,
    /// What gets the next token, once.
    pub refresh_token: Secret,
    /// When to get it: a fifth of the token's time before it expires.
    pub refresh_at: Timestamp,
}

impl SavedSession {
    /// Takes the answer to a login or to a refresh that came at `now`.
    pub(crate) fn new(server: &str, answer: LoggedIn, now: Timestamp) -> Self {
        Self {
            server: server.to_owned(),
            user: answer.user,
            servers: answer.servers,
            token: answer.token,
            refresh_token: answer.refresh_token,
            refresh_at: now.plus(answer.expires_in.saturating_mul(800)),
        }
    }
}
