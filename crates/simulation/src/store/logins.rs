//! Logins, those that have ended, and the tickets that were used.

use async_trait::async_trait;
use ports::{EndedLogin, Error, Login, Logins, Result};
use protocol::{LoginId, Timestamp, Username};

use super::StoreHandle;
use super::state::State;
use crate::defect::Defect;

/// How many logins a user has at most.
const LOGINS: usize = 100;

#[async_trait]
impl Logins for StoreHandle {
    async fn create_login(&self, login: Login) -> Result<()> {
        self.call(move |state| {
            state.check_account(&login.username)?;
            if state.data.logins.has(&login.id) {
                return Err(Error::Conflict);
            }
            let mut logins = state.logins_of(&login.username);
            logins.sort_by_key(|(_, created_at)| *created_at);
            for (oldest, _) in logins.iter().take((logins.len() + 1).saturating_sub(LOGINS)) {
                state.end_login(*oldest, login.created_at);
            }
            state.change().logins.put(login.id, login);
            Ok(())
        })
        .await
    }

    async fn login(&self, id: LoginId) -> Result<Option<Login>> {
        let read = self.call(move |state| Ok(state.data.logins.get(&id).cloned())).await?;
        Ok(self.remembered_login(id, read))
    }

    async fn update_login(&self, new: Login) -> Result<()> {
        self.call(move |state| {
            let Login { id, refresh, expires_at, version, .. } = new;
            let stored = state.data.logins.get(&id).ok_or(Error::Conflict)?.clone();
            if stored.version != version {
                return Err(Error::Conflict);
            }
            let version = state.version_after(&id, version);
            state.change().logins.put(id, Login { refresh, expires_at, version, ..stored });
            Ok(())
        })
        .await
    }

    async fn end_login(&self, id: LoginId, at: Timestamp) -> Result<()> {
        self.call(move |state| {
            state.end_login(id, at);
            Ok(())
        })
        .await
    }

    async fn end_logins(
        &self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Result<Vec<LoginId>> {
        let username = username.clone();
        self.call(move |state| Ok(state.end_logins(&username, except, at))).await
    }

    async fn ended_logins(&self, since: Timestamp) -> Result<Vec<EndedLogin>> {
        self.call(move |state| {
            if state.has(Defect::LogoutIgnored) {
                return Ok(Vec::new());
            }
            let ended = state.data.ended_logins.iter().filter(|((at, _), _)| *at >= since);
            let ended =
                ended.map(|((at, id), username)| EndedLogin { id: *id, username: username.clone(), at: *at });
            Ok(ended.collect())
        })
        .await
    }

    async fn redeem_ticket(&self, ticket: [u8; 16], _expires_at: Timestamp) -> Result<bool> {
        self.call(move |state| {
            let is_first = !state.data.tickets.has(&ticket);
            if is_first {
                state.change().tickets.put(ticket, ());
            }
            Ok(is_first)
        })
        .await
    }
}

impl State {
    /// Ends all logins of a user but one, and gives those that ended.
    pub(super) fn end_logins(
        &mut self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Vec<LoginId> {
        let logins = self.logins_of(username).into_iter().map(|(id, _)| id);
        let ended: Vec<LoginId> = logins.filter(|id| Some(*id) != except).collect();
        for id in &ended {
            self.end_login(*id, at);
        }
        ended
    }

    /// Ends a login; nothing happens if there is none.
    fn end_login(&mut self, id: LoginId, at: Timestamp) {
        let Some(username) = self.data.logins.get(&id).map(|login| login.username.clone()) else { return };
        let data = self.change();
        data.logins.remove(&id);
        data.ended_logins.put((at, id), username);
    }

    /// Gives a user's logins and when they were made.
    fn logins_of(&self, username: &Username) -> Vec<(LoginId, Timestamp)> {
        let logins = self.data.logins.iter().filter(|(_, login)| login.username == *username);
        logins.map(|(id, login)| (*id, login.created_at)).collect()
    }
}
