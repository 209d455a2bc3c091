//! Accounts.

use async_trait::async_trait;
use ports::{Account, Accounts, AccountsPage, Error, ProfileChange, Result};
use protocol::account::User;
use protocol::{ConversationId, Timestamp, Username};

use super::StoreHandle;
use super::state::State;

#[async_trait]
impl Accounts for StoreHandle {
    async fn create_account(&self, account: Account) -> Result<()> {
        self.call(move |state| {
            let username = account.user.username.clone();
            if state.data.accounts.has(&username) {
                return Err(Error::UsernameTaken);
            }
            state.change().accounts.put(username, Some(account));
            Ok(())
        })
        .await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        let username = username.clone();
        self.call(move |state| Ok(state.account(&username).cloned())).await
    }

    async fn change_profile(&self, username: &Username, change: ProfileChange) -> Result<User> {
        let username = username.clone();
        self.call(move |state| {
            let user = &mut state.edit_account(&username)?.user;
            let ProfileChange { display_name, bio, avatar_url, status_text } = change;
            replace(&mut user.display_name, display_name);
            replace(&mut user.bio, bio);
            replace(&mut user.avatar_url, avatar_url);
            replace(&mut user.status_text, status_text);
            Ok(user.clone())
        })
        .await
    }

    async fn set_password(&self, username: &Username, password_hash: String) -> Result<()> {
        let username = username.clone();
        self.call(move |state| {
            state.edit_account(&username)?.password_hash = password_hash;
            Ok(())
        })
        .await
    }

    async fn set_throttle(&self, username: &Username, throttle: Vec<u8>) -> Result<()> {
        let username = username.clone();
        self.call(move |state| {
            if let Ok(account) = state.edit_account(&username) {
                account.throttle = throttle;
            }
            Ok(())
        })
        .await
    }

    async fn delete_account(&self, username: &Username, at: Timestamp) -> Result<Vec<ConversationId>> {
        let username = username.clone();
        self.call(move |state| {
            if state.account(&username).is_none() {
                return Ok(Vec::new());
            }
            state.change().accounts.put(username.clone(), None);
            state.end_logins(&username, None, at);
            state.forget_person(&username);
            state.change().presences.remove(&username);
            Ok(state.leave_all(&username))
        })
        .await
    }

    async fn search_accounts(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<AccountsPage> {
        let (wanted, after) = (prefix.to_lowercase(), after.cloned());
        self.call(move |state| Ok(state.search_accounts(&wanted, after.as_ref(), limit))).await
    }
}

impl State {
    /// Gives an account that is not deleted.
    pub(super) fn account(&self, username: &Username) -> Option<&Account> {
        self.data.accounts.get(username)?.as_ref()
    }

    /// Fails with `UserNotFound` unless there is an account that is not deleted.
    pub(super) fn check_account(&self, username: &Username) -> Result<()> {
        self.account(username).map(|_| ()).ok_or(Error::UserNotFound)
    }

    fn edit_account(&mut self, username: &Username) -> Result<&mut Account> {
        self.check_account(username)?;
        self.change().accounts.edit(username).and_then(Option::as_mut).ok_or(Error::UserNotFound)
    }

    /// Gives users whose name begins with `wanted`, or whose displayed name contains it; `wanted` is in lower case.
    fn search_accounts(&self, wanted: &str, after: Option<&Username>, limit: usize) -> AccountsPage {
        let matches = |user: &&User| {
            after.is_none_or(|after| user.username > *after)
                && (user.username.as_str().starts_with(wanted)
                    || user.display_name.to_lowercase().contains(wanted))
        };
        let users = self.data.accounts.iter().filter_map(|(_, account)| account.as_ref());
        let mut found = users.map(|account| &account.user).filter(matches);
        let users: Vec<User> = found.by_ref().take(limit).cloned().collect();
        AccountsPage { users, more: found.next().is_some() }
    }
}

fn replace<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}
