//! Accounts.

mod deletion;
mod grams;
mod index;
mod keys;
mod record;
mod search;

use async_trait::async_trait;
use ports::{Account, Accounts, AccountsPage, Error, ProfileChange, Result};
use protocol::account::User;
use protocol::{ConversationId, Timestamp, Username};

pub(crate) use self::keys::{USER_PARTITIONS, UserKeys, by_partition, partition_of, users_todo};
use self::record::{FIELDS, Fields, from_fields, to_changes, to_fields};
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Argument, Intent, arguments, entity};

static CREATE: Script = entity!("create_account");
static READ: Script = entity!("accounts");
static CHANGE_PROFILE: Script = entity!("change_profile");
static SET_FIELD: Script = entity!("set_field");

#[async_trait]
impl Accounts for RedisStore {
    async fn create_account(&self, account: Account) -> Result<()> {
        let (username, shown) = (account.user.username.clone(), account.user.display_name.clone());
        let (keys, token) = (self.user(&username), self.token());
        let mut arguments = arguments![&token, &username];
        arguments.extend(to_fields(account));
        let left: String =
            self.write(Call::new(&CREATE, vec![keys.account(), keys.todo()], arguments)).await?;
        self.index_new(&username, &shown).await?;
        self.strike(keys.todo(), &token, left);
        Ok(())
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        let found = self.accounts(std::slice::from_ref(username)).await?;
        Ok(found.into_iter().next())
    }

    async fn change_profile(&self, username: &Username, change: ProfileChange) -> Result<User> {
        let (keys, token) = (self.user(username), self.token());
        let mut arguments = arguments![&token, username];
        arguments.extend(to_changes(change));
        let call = Call::new(&CHANGE_PROFILE, vec![keys.account(), keys.todo()], arguments);
        let left: String = self.write(call).await?;
        if Intent::parse(&left)?.is_some() {
            self.index(username).await?;
            self.strike(keys.todo(), &token, left);
        }
        let account = self.account(username).await?.ok_or(Error::UserNotFound)?;
        Ok(account.user)
    }

    async fn set_password(&self, username: &Username, password_hash: String) -> Result<()> {
        self.set(username, "password_hash", password_hash).await
    }

    async fn set_throttle(&self, username: &Username, throttle: Vec<u8>) -> Result<()> {
        match self.set(username, "throttle", throttle).await {
            Err(Error::UserNotFound) => Ok(()),
            outcome => outcome,
        }
    }

    async fn delete_account(&self, username: &Username, at: Timestamp) -> Result<Vec<ConversationId>> {
        self.delete(username, at).await
    }

    async fn search_accounts(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<AccountsPage> {
        self.search(&prefix.to_lowercase(), after, limit).await
    }
}

impl RedisStore {
    /// Gives a user's keys.
    pub(crate) fn user(&self, username: &Username) -> UserKeys {
        UserKeys::new(&self.context.keys, username)
    }

    /// Gives the accounts of some users, without those that do not exist.
    async fn accounts(&self, usernames: &[Username]) -> Result<Vec<Account>> {
        let read = |username| {
            let fields = FIELDS.into_iter().map(Argument::argument).collect();
            Call::new(&READ, vec![self.user(username).account()], fields)
        };
        let found: Vec<Vec<Option<Fields>>> = self.look_many(usernames.iter().map(read).collect()).await?;
        let found = usernames.iter().zip(found.into_iter().flatten());
        found.filter_map(|(username, fields)| Some(from_fields(username, fields?))).collect()
    }

    async fn set(&self, username: &Username, field: &str, value: impl Argument) -> Result<()> {
        let keys = vec![self.user(username).account()];
        self.write::<()>(Call::new(&SET_FIELD, keys, arguments![field, value])).await
    }
}
