//! Logins, and the tickets and revocations that go with them.

use async_trait::async_trait;
use protocol::{LoginId, Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A login: a family of refresh tokens on one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The login.
    pub id: LoginId,
    /// Whose it is.
    pub username: Username,
    /// What the user calls the device.
    pub device: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last refresh token ends.
    pub expires_at: Timestamp,
    /// The state of the refresh tokens, opaque to the store.
    pub refresh: Vec<u8>,
    /// Counts changes; what [`Logins::update_login`] compares.
    pub version: u64,
}

/// A login that was ended, for the shards that may hold sockets of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLogin {
    /// The login.
    pub id: LoginId,
    /// Whose it was.
    pub username: Username,
    /// When it ended.
    pub at: Timestamp,
}

/// The logins.
#[async_trait]
pub trait Logins: Send + Sync {
    /// Keeps a new login. A user has at most 100; the oldest ends. Fails with `UserNotFound`.
    async fn create_login(&self, login: Login) -> Result<()>;

    /// Gives a login that has not ended.
    async fn login(&self, id: LoginId) -> Result<Option<Login>>;

    /// Replaces `refresh` and `expires_at` if the stored version is still `login.version`, and counts it up; fails with `Conflict` otherwise.
    async fn update_login(&self, login: Login) -> Result<()>;

    /// Ends a login; nothing happens if it has ended.
    async fn end_login(&self, id: LoginId, at: Timestamp) -> Result<()>;

    /// Ends all logins of a user but `except`, and gives those that ended.
    async fn end_logins(
        &self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Result<Vec<LoginId>>;

    /// Gives the logins that ended at or after `since`; those of the last hour are kept at least.
    async fn ended_logins(&self, since: Timestamp) -> Result<Vec<EndedLogin>>;

    /// Notes that the ticket was used and says whether it was for the first time; it may be forgotten after `expires_at`.
    async fn redeem_ticket(&self, ticket: [u8; 16], expires_at: Timestamp) -> Result<bool>;
}
