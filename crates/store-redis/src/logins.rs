//! Logins, those that have ended, and tickets.

mod ending;
mod keys;

use async_trait::async_trait;
use ports::{EndedLogin, Error, Login, Logins, Result};
use protocol::{LoginId, Timestamp, Username};

pub(crate) use self::keys::{LOGIN_PARTITIONS, logins_todo};
use self::keys::{ended, login_key, ticket_key};
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Intent, arguments, entity, identifier};
use crate::value::{unexpected, username};

static LIST: Script = entity!("list_login");
static PUT: Script = entity!("put_login");
static READ: Script = entity!("login");
static UPDATE: Script = entity!("update_login");
static ENDED: Script = entity!("ended_logins");
static REDEEM: Script = entity!("redeem_ticket");

/// How many logins a user has at most.
const LOGINS: usize = 100;
/// How much longer than necessary something is kept that expires, in milliseconds: clocks differ.
const MARGIN: u64 = 60 * 60 * 1000;

/// What is stored of a login: what does not change as JSON, the state of its refresh tokens, when they end, and its version.
type Stored = (Vec<u8>, Vec<u8>, u64, u64);

#[async_trait]
impl Logins for RedisStore {
    async fn create_login(&self, login: Login) -> Result<()> {
        let (keys, token) = (self.user(&login.username), self.token());
        let list = arguments![&token, login.id, login.created_at, LOGINS, &login.username];
        let listed = vec![keys.account(), keys.logins(), keys.todo()];
        // First the list: a login that its user could not end must not be.
        let left: String = self.write(Call::new(&LIST, listed, list)).await?;
        let put = self.write::<()>(self.put_call(&login)?);
        let Some(Intent::End { username, at, logins }) = Intent::parse(&left)? else { return put.await };
        let ending = self.end_listed(&username, at, &logins);
        futures_util::try_join!(put, ending)?;
        self.strike(keys.todo(), &token, left);
        Ok(())
    }

    async fn login(&self, id: LoginId) -> Result<Option<Login>> {
        let stored: Option<Stored> =
            self.look(Call::new(&READ, vec![login_key(&self.context.keys, id)], Vec::new())).await?;
        let Some((login, refresh, expires_at, version)) = stored else { return Ok(None) };
        let login: Login = serde_json::from_slice(&login).map_err(|_| unexpected("a login that is none"))?;
        Ok(Some(Login { refresh, expires_at: Timestamp(expires_at), version, ..login }))
    }

    async fn update_login(&self, login: Login) -> Result<()> {
        let kept = self.kept_until(login.expires_at);
        let arguments = arguments![&self.token(), kept, login.version, login.refresh, login.expires_at];
        let keys = vec![login_key(&self.context.keys, login.id)];
        self.write(Call::new(&UPDATE, keys, arguments)).await
    }

    async fn end_login(&self, id: LoginId, at: Timestamp) -> Result<()> {
        self.end(id, at).await
    }

    async fn end_logins(
        &self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Result<Vec<LoginId>> {
        self.end_logins_of(username, except, at).await
    }

    async fn ended_logins(&self, since: Timestamp) -> Result<Vec<EndedLogin>> {
        let keys = &self.context.keys;
        let read = |partition| Call::new(&ENDED, vec![ended(keys, partition)], arguments![since]);
        let found: Vec<Vec<(String, u64)>> =
            self.look_many((0..LOGIN_PARTITIONS).map(read).collect()).await?;
        let mut ended = Vec::new();
        for (login, at) in found.into_iter().flatten() {
            let (id, name) = login.split_once(' ').ok_or_else(|| unexpected("an end that is none"))?;
            let id = identifier(id).map(LoginId).ok_or_else(|| unexpected("a login that is none"))?;
            ended.push(EndedLogin { id, username: username(name)?, at: Timestamp(at) });
        }
        Ok(ended)
    }

    async fn redeem_ticket(&self, ticket: [u8; 16], expires_at: Timestamp) -> Result<bool> {
        let arguments = arguments![&self.token(), self.kept_until(expires_at)];
        self.write(Call::new(&REDEEM, vec![ticket_key(&self.context.keys, &ticket)], arguments)).await
    }
}

impl RedisStore {
    fn put_call(&self, login: &Login) -> Result<Call> {
        let Login { id, username, refresh, expires_at, version, .. } = login;
        let unchanging = Login { refresh: Vec::new(), ..login.clone() };
        let unchanging =
            serde_json::to_vec(&unchanging).map_err(|error| Error::Corrupt(error.to_string()))?;
        let kept = self.kept_until(*expires_at);
        let arguments = arguments![kept, username, unchanging, refresh.clone(), *expires_at, *version];
        Ok(Call::new(&PUT, vec![login_key(&self.context.keys, *id)], arguments))
    }

    /// Gives how long something is kept that expires, in milliseconds.
    pub(crate) fn kept_until(&self, expires_at: Timestamp) -> u64 {
        expires_at.0.saturating_sub(self.context.clock.now().0) + MARGIN
    }
}
