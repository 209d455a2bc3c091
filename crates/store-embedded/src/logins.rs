//! Logins, those that have ended, and the tickets that were used.

use async_trait::async_trait;
use ports::{EndedLogin, Error, Login, Logins, Result};
use protocol::{LoginId, Timestamp, Username};

use crate::engine::View;
use crate::expiry::forget_before;
use crate::keys::Table;
use crate::packing::{Parts, from_json, to_json};
use crate::writer::WriteContext;
use crate::{EmbeddedStore, accounts};

/// How many logins a user has at most.
const LOGINS: usize = 100;
/// How long an ended login is kept, in milliseconds: longer than the hour that is promised, because clocks differ.
const ENDED_KEPT: u64 = 2 * 60 * 60 * 1000;

#[async_trait]
impl Logins for EmbeddedStore {
    async fn create_login(&self, login: Login) -> Result<()> {
        self.write(move |context| {
            accounts::check_exists(context.view(), &login.username)?;
            if context.view().has(&key(login.id))? {
                return Err(Error::Conflict);
            }
            let mut logins = logins_of(context.view(), &login.username)?;
            logins.sort_unstable_by_key(|(_, created_at)| *created_at);
            for (oldest, _) in logins.iter().take((logins.len() + 1).saturating_sub(LOGINS)) {
                end(context, *oldest, login.created_at)?;
            }
            let of = Table::LoginOf.key().name(&login.username).id(&login.id.0).bytes();
            context.put(of, login.created_at.0.to_be_bytes().to_vec());
            context.put(key(login.id), to_json(&login)?);
            Ok(())
        })
        .await
    }

    async fn login(&self, id: LoginId) -> Result<Option<Login>> {
        self.read(|view| login(view, id))
    }

    async fn update_login(&self, new: Login) -> Result<()> {
        self.write(move |context| {
            let stored = login(context.view(), new.id)?.ok_or(Error::Conflict)?;
            if stored.version != new.version {
                return Err(Error::Conflict);
            }
            let Login { refresh, expires_at, version, .. } = new;
            let updated = Login { refresh, expires_at, version: version + 1, ..stored };
            context.put(key(updated.id), to_json(&updated)?);
            Ok(())
        })
        .await
    }

    async fn end_login(&self, id: LoginId, at: Timestamp) -> Result<()> {
        self.write(move |context| end(context, id, at)).await
    }

    async fn end_logins(
        &self,
        username: &Username,
        except: Option<LoginId>,
        at: Timestamp,
    ) -> Result<Vec<LoginId>> {
        let username = username.clone();
        self.write(move |context| end_all(context, &username, except, at)).await
    }

    async fn ended_logins(&self, since: Timestamp) -> Result<Vec<EndedLogin>> {
        let range = Table::EndedLogin.key().range();
        let range = range.starting_at(Table::EndedLogin.key().number(since.0).bytes());
        self.read_many(move |view| {
            view.read_all(&range, |key, username| {
                let mut parts = Parts::of(key);
                parts.byte()?;
                let (at, id) = (parts.time()?, LoginId(parts.id()?));
                Ok(EndedLogin { id, username: Parts::of(username).last_name()?, at })
            })
        })
        .await
    }

    async fn redeem_ticket(&self, ticket: [u8; 16], expires_at: Timestamp) -> Result<bool> {
        let now = self.options.clock.now();
        self.write(move |context| {
            let key = Table::Ticket.key().id(&ticket).bytes();
            if context.view().has(&key)? {
                return Ok(false);
            }
            for ticket in forget_before(context, Table::TicketEnd, now)? {
                context.delete(Table::Ticket.key().rest(ticket).bytes());
            }
            context.put(key, expires_at.0.to_be_bytes().to_vec());
            context.put(Table::TicketEnd.key().number(expires_at.0).id(&ticket).bytes(), Vec::new());
            Ok(true)
        })
        .await
    }
}

/// Ends all logins of a user but one, and gives those that ended.
pub(crate) fn end_all(
    context: &mut WriteContext<'_>,
    username: &Username,
    except: Option<LoginId>,
    at: Timestamp,
) -> Result<Vec<LoginId>> {
    let logins = logins_of(context.view(), username)?;
    let ended: Vec<LoginId> = logins.into_iter().map(|(id, _)| id).filter(|id| Some(*id) != except).collect();
    for id in &ended {
        end(context, *id, at)?;
    }
    Ok(ended)
}

fn login(view: &dyn View, id: LoginId) -> Result<Option<Login>> {
    view.get(&key(id))?.map(|record| from_json(&record)).transpose()
}

/// Gives a user's logins and when they were made.
fn logins_of(view: &dyn View, username: &Username) -> Result<Vec<(LoginId, Timestamp)>> {
    view.read_all(&Table::LoginOf.key().name(username).range(), |key, created_at| {
        let mut parts = Parts::of(key);
        parts.byte()?;
        parts.name()?;
        Ok((LoginId(parts.id()?), Parts::of(created_at).time()?))
    })
}

/// Ends a login; nothing happens if there is none.
fn end(context: &mut WriteContext<'_>, id: LoginId, at: Timestamp) -> Result<()> {
    let Some(login) = login(context.view(), id)? else { return Ok(()) };
    context.delete(key(id));
    context.delete(Table::LoginOf.key().name(&login.username).id(&id.0).bytes());
    let forgotten = Timestamp(at.0.saturating_sub(ENDED_KEPT));
    forget_before(context, Table::EndedLogin, forgotten)?;
    let ended = Table::EndedLogin.key().number(at.0).id(&id.0).bytes();
    context.put(ended, login.username.as_str().as_bytes().to_vec());
    Ok(())
}

fn key(id: LoginId) -> Vec<u8> {
    Table::Login.key().id(&id.0).bytes()
}
