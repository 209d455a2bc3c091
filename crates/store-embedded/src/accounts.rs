//! Accounts.

use std::ops::ControlFlow;

use async_trait::async_trait;
use ports::{Account, Accounts, AccountsPage, Error, ProfileChange, Result};
use protocol::account::User;
use protocol::{ConversationId, Timestamp, Username};

use crate::EmbeddedStore;
use crate::engine::{Direction, View};
use crate::keys::Table;
use crate::packing::{Parts, from_json, to_json};
use crate::writer::WriteContext;
use crate::{contacts, conversations, devices, logins, presences};

#[async_trait]
impl Accounts for EmbeddedStore {
    async fn create_account(&self, account: Account) -> Result<()> {
        self.write(move |context| {
            if context.view().has(&key(&account.user.username))? {
                return Err(Error::UsernameTaken);
            }
            put(context, &account)
        })
        .await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        self.read(|view| account(view, username))
    }

    async fn change_profile(&self, username: &Username, change: ProfileChange) -> Result<User> {
        let username = username.clone();
        self.write(move |context| {
            let mut account = account(context.view(), &username)?.ok_or(Error::UserNotFound)?;
            let user = &mut account.user;
            let ProfileChange { display_name, bio, avatar_url, status_text } = change;
            replace(&mut user.display_name, display_name);
            replace(&mut user.bio, bio);
            replace(&mut user.avatar_url, avatar_url);
            replace(&mut user.status_text, status_text);
            put(context, &account)?;
            Ok(account.user)
        })
        .await
    }

    async fn set_password(&self, username: &Username, password_hash: String) -> Result<()> {
        let username = username.clone();
        self.write(move |context| {
            let account = account(context.view(), &username)?.ok_or(Error::UserNotFound)?;
            put(context, &Account { password_hash, ..account })
        })
        .await
    }

    async fn set_throttle(&self, username: &Username, throttle: Vec<u8>) -> Result<()> {
        let username = username.clone();
        self.write(move |context| match account(context.view(), &username)? {
            Some(account) => put(context, &Account { throttle, ..account }),
            None => Ok(()),
        })
        .await
    }

    async fn delete_account(&self, username: &Username, at: Timestamp) -> Result<Vec<ConversationId>> {
        let username = username.clone();
        self.write(move |context| {
            if !exists(context.view(), &username)? {
                return Ok(Vec::new());
            }
            // The empty record keeps the name taken.
            context.put(key(&username), Vec::new());
            logins::end_all(context, &username, None, at)?;
            contacts::forget(context, &username)?;
            devices::forget(context, &username)?;
            presences::forget(context, &username);
            conversations::leave_all(context, &username)
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
        self.read_many(move |view| search(view, &wanted, after.as_ref(), limit)).await
    }
}

/// Gives an account that is not deleted.
pub(crate) fn account(view: &dyn View, username: &Username) -> Result<Option<Account>> {
    let record = view.get(&key(username))?.filter(|record| !record.is_empty());
    record.map(|record| from_json(&record)).transpose()
}

/// Says whether there is an account that is not deleted.
pub(crate) fn exists(view: &dyn View, username: &Username) -> Result<bool> {
    Ok(view.get(&key(username))?.is_some_and(|record| !record.is_empty()))
}

/// Fails with `UserNotFound` unless there is an account that is not deleted.
pub(crate) fn check_exists(view: &dyn View, username: &Username) -> Result<()> {
    if exists(view, username)? { Ok(()) } else { Err(Error::UserNotFound) }
}

/// Gives users whose name begins with `wanted`, or whose displayed name contains it; `wanted` is in lower case.
fn search(view: &dyn View, wanted: &str, after: Option<&Username>, limit: usize) -> Result<AccountsPage> {
    let mut range = Table::Account.key().range();
    if let Some(after) = after {
        range = range.after(key(after));
    }
    let mut page = AccountsPage { users: Vec::new(), more: false };
    view.visit(&range, Direction::Forward, &mut |key, record| {
        if record.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let user = from_json::<Account>(record)?.user;
        let mut parts = Parts::of(key);
        parts.byte()?;
        if !parts.rest().starts_with(wanted.as_bytes()) && !user.display_name.to_lowercase().contains(wanted)
        {
            return Ok(ControlFlow::Continue(()));
        }
        if page.users.len() == limit {
            page.more = true;
            return Ok(ControlFlow::Break(()));
        }
        page.users.push(user);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(page)
}

fn put(context: &mut WriteContext<'_>, account: &Account) -> Result<()> {
    context.put(key(&account.user.username), to_json(account)?);
    Ok(())
}

fn replace<T>(field: &mut T, change: Option<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

fn key(username: &Username) -> Vec<u8> {
    Table::Account.key().rest(username.as_str()).bytes()
}
