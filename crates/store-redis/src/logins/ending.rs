//! Ending logins: the login itself is the truth, its user's list is derived.

use bytes::Bytes;
use ports::Result;
use protocol::{LoginId, Timestamp, Username};

use super::keys::{ended, login_key, login_partition, logins_todo};
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Argument, Intent, Token, arguments, entity};

static END: Script = entity!("end_login");
static END_LISTED: Script = entity!("end_listed");
static UNLIST: Script = entity!("unlist_logins");

/// How long the end of a login is told, in milliseconds: longer than the hour that is promised, because clocks differ.
const TOLD: u64 = 2 * 60 * 60 * 1000;
/// How long it is known that a login ended, in milliseconds: much longer than a call may be under way.
const KNOWN: u64 = 60 * 60 * 1000;

impl RedisStore {
    /// Ends a login; nothing happens if there is none.
    pub(super) async fn end(&self, login: LoginId, at: Timestamp) -> Result<()> {
        let left: String = self.write(self.end_call(login, None, at)).await?;
        if let Some(Intent::Unlist { username, login }) = Intent::parse(&left)? {
            self.unlist(&username, &[login]).await?;
            self.strike(logins_todo(&self.context.keys, login_partition(login)), &Token::named(login), left);
        }
        Ok(())
    }

    /// Ends all logins of a user but one, and gives those that ended.
    pub(crate) async fn end_logins_of(
        &self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Result<Vec<LoginId>> {
        let (keys, token) = (self.user(username), self.token());
        let except = except.map_or_else(Bytes::new, Argument::argument);
        let arguments = arguments![&token, except, at, username];
        let left: String =
            self.write(Call::new(&END_LISTED, vec![keys.logins(), keys.todo()], arguments)).await?;
        let Some(Intent::End { username, at, logins }) = Intent::parse(&left)? else { return Ok(Vec::new()) };
        let ended = self.end_listed(&username, at, &logins).await?;
        self.strike(keys.todo(), &token, left);
        Ok(ended)
    }

    /// Ends logins that are on their user's list, takes them from it, and gives those that were there.
    pub(crate) async fn end_listed(
        &self,
        username: &Username,
        at: Timestamp,
        logins: &[LoginId],
    ) -> Result<Vec<LoginId>> {
        let calls = logins.iter().map(|login| self.end_call(*login, Some(username), at)).collect();
        let found: Vec<String> = self.write_many(calls).await?;
        self.unlist(username, logins).await?;
        let ended = logins.iter().zip(found).filter(|(_, found)| !found.is_empty());
        Ok(ended.map(|(login, _)| *login).collect())
    }

    /// Takes logins that have ended from their user's list.
    pub(crate) async fn unlist(&self, username: &Username, logins: &[LoginId]) -> Result<()> {
        let logins = logins.iter().map(|login| login.argument()).collect();
        self.write(Call::new(&UNLIST, vec![self.user(username).logins()], logins)).await
    }

    fn end_call(&self, login: LoginId, username: Option<&Username>, at: Timestamp) -> Call {
        let (keys, partition) = (&self.context.keys, login_partition(login));
        let touched = vec![login_key(keys, login), ended(keys, partition), logins_todo(keys, partition)];
        let username = username.map_or("", Username::as_str);
        Call::new(&END, touched, arguments![login, username, at, TOLD, KNOWN])
    }
}
