//! Giving a password for a login.

use std::sync::Arc;

use auth::{RefreshFamily, RefreshToken, Verdict};
use axum::extract::State;
use http_edge::Json;
use ports::{Account, Login};
use protocol::account::{LogIn, LoggedIn, Secret};
use protocol::{ErrorCode, LoginId, Username};

use super::tokens::{encode, logged_in};
use crate::address::ClientAddress;
use crate::api::Api;
use crate::failure::Answer;
use crate::fields;

/// `POST /api/login`
///
/// Unknown names and wrong passwords are answered alike, in text and in time, and so are names that were tried too often.
pub(crate) async fn log_in(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    Json(body): Json<LogIn>,
) -> Answer<Json<LoggedIn>> {
    let answer = try_log_in(&api, address, &body).await;
    let outcome = answer.as_ref().map_or_else(|failure| failure.code().as_str(), |_| "accepted");
    api.metrics.log_ins.with_label_values(&[outcome]).inc();
    answer.map(Json)
}

async fn try_log_in(api: &Api, address: ClientAddress, body: &LogIn) -> Answer<LoggedIn> {
    api.limits.log_in(address)?;
    let device = body.device.as_deref().map(fields::device).transpose()?;
    let account = match Username::new(&body.username) {
        Ok(username) => api.store.account(&username).await?,
        Err(_) => None,
    };
    let verdict = compare(api, &body.username, account.as_ref(), &body.password).await?;
    let Some(account) = account.filter(|_| verdict.ok) else {
        return Err(ErrorCode::InvalidCredentials.into());
    };
    if verdict.needs_rehash {
        renew_hash(api, &account, &body.password).await?;
    }
    let (login, refresh) = begin_login(api, &account, &body.password, device).await?;
    logged_in(api, account.user, login, &refresh)
}

/// Compares a password with an account's, or takes as long where there is none, and counts wrong ones.
pub(super) async fn compare(
    api: &Api,
    name: &str,
    account: Option<&Account>,
    password: &Secret,
) -> Answer<Verdict> {
    let guess = api.guess(name, account)?;
    let stored = account.map(|account| account.password_hash.clone());
    match api.passwords.verify(password.clone(), stored).await {
        Ok(verdict) if verdict.ok => {
            guess.right(api).await;
            Ok(verdict)
        }
        Ok(verdict) => Ok(verdict),
        Err(failure) => {
            guess.undone(api).await;
            Err(failure)
        }
    }
}

/// Stores a stronger hash of the same password, unless the password was changed in the meantime.
async fn renew_hash(api: &Api, account: &Account, password: &Secret) -> Answer<()> {
    let username = &account.user.username;
    let hash = api.passwords.hash(password.clone()).await?;
    let now = api.store.account(username).await?;
    if now.is_some_and(|now| now.password_hash == account.password_hash) {
        api.store.set_password(username, hash).await?;
    }
    Ok(())
}

/// Makes a login, unless the password was changed since it was compared: whoever changes it ends the logins of before.
async fn begin_login(
    api: &Api,
    account: &Account,
    password: &Secret,
    device: Option<String>,
) -> Answer<(LoginId, RefreshToken)> {
    let (id, now) = (LoginId(api.entropy.bytes()), api.clock.now());
    let refresh = RefreshToken::new(id, api.entropy.bytes());
    let family = RefreshFamily::begin(&refresh, now);
    let login = Login {
        id,
        username: account.user.username.clone(),
        device,
        created_at: now,
        expires_at: family.ends_at(&api.options.refresh),
        refresh: encode(&family)?,
        version: 0,
    };
    api.store.create_login(login).await?;
    if still_holds(api, account, password).await? {
        return Ok((id, refresh));
    }
    api.store.end_login(id, api.clock.now()).await?;
    Err(ErrorCode::InvalidCredentials.into())
}

async fn still_holds(api: &Api, compared: &Account, password: &Secret) -> Answer<bool> {
    let Some(account) = api.store.account(&compared.user.username).await? else {
        return Ok(false);
    };
    if account.password_hash == compared.password_hash {
        return Ok(true);
    }
    Ok(api.passwords.verify(password.clone(), Some(account.password_hash)).await?.ok)
}
