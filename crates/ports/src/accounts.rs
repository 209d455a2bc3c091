//! Accounts.

use async_trait::async_trait;
use protocol::account::User;
use protocol::{Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What everybody sees.
    pub user: User,
    /// The password's hash as a PHC string.
    pub password_hash: String,
    /// What the throttle of failed logins has noted, opaque to the store.
    #[serde(default)]
    pub throttle: Vec<u8>,
}

/// A changed profile: `None` leaves a field, `Some(None)` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The name as others see it.
    pub display_name: Option<String>,
    /// What the user says of themself.
    pub bio: Option<Option<String>>,
    /// A picture.
    pub avatar_url: Option<Option<String>>,
    /// What the user is up to.
    pub status_text: Option<Option<String>>,
}

/// A page of users in order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsPage {
    /// The users.
    pub users: Vec<User>,
    /// Whether there are more.
    pub more: bool,
}

/// The accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes an account. Fails with `UsernameTaken`, also when an account of this name was deleted.
    async fn create_account(&self, account: Account) -> Result<()>;

    /// Gives an account.
    async fn account(&self, username: &Username) -> Result<Option<Account>>;

    /// Changes a profile and gives it as it is now. Fails with `UserNotFound`.
    async fn change_profile(&self, username: &Username, change: ProfileChange) -> Result<User>;

    /// Replaces a password's hash. Fails with `UserNotFound`.
    async fn set_password(&self, username: &Username, password_hash: String) -> Result<()>;

    /// Replaces what the throttle noted; nothing happens where there is no such user.
    async fn set_throttle(&self, username: &Username, throttle: Vec<u8>) -> Result<()>;

    /// Deletes an account with its logins, contacts, blocks, devices, presence and memberships in groups, and closes its direct
    /// conversations; the name stays taken. Nothing happens if there is no such user.
    ///
    /// Messages stay with those who received them. Gives the conversations that the user left.
    async fn delete_account(
        &self,
        username: &Username,
        at: Timestamp,
    ) -> Result<Vec<protocol::ConversationId>>;

    /// Gives users whose name begins with `prefix`, or whose displayed name contains it in any case, after the name `after`.
    async fn search_accounts(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<AccountsPage>;
}
