//! Tokens of a login: the next ones, tickets for sockets, and the end of it.

use std::sync::Arc;

use auth::{Issued, KeyError, Presented, RefreshFamily, RefreshToken};
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http_edge::Json;
use ports::Login;
use protocol::account::{LoggedIn, Refresh, Secret, Ticket, User};
use protocol::{ErrorCode, LoginId};
use serde::Serialize;

use super::servers;
use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};

/// How often a refresh is tried again because the login was changed at the same moment.
const ATTEMPTS: usize = 4;

/// `POST /api/token/refresh`
pub(crate) async fn refresh(
    State(api): State<Arc<Api>>,
    Json(body): Json<Refresh>,
) -> Answer<Json<LoggedIn>> {
    let refused = || Failure::new(ErrorCode::InvalidRefreshToken);
    let token = RefreshToken::parse(body.refresh_token.expose()).ok_or_else(refused)?;
    for _ in 0..ATTEMPTS {
        let login = api.store.login(token.login()).await?.ok_or_else(refused)?;
        let family: RefreshFamily =
            serde_json::from_slice(&login.refresh).map_err(|_| Failure::new(ErrorCode::Internal))?;
        let next = RefreshToken::new(token.login(), api.entropy.bytes());
        match family.present(&token, &next, api.clock.now(), &api.options.refresh) {
            Presented::Rotated(family) => match renew(&api, &login, &family).await {
                Ok(()) => {
                    let account = api.store.account(&login.username).await?.ok_or_else(refused)?;
                    return logged_in(&api, account.user, login.id, &next).map(Json);
                }
                // Somebody presented the same token at the same moment: the second look shows it as used.
                Err(ports::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            },
            Presented::Reused => {
                tracing::warn!(login = %login.id, "a refresh token was used twice, its login ends");
                end(&api, &login).await?;
                return Err(refused());
            }
            Presented::Expired => {
                end(&api, &login).await?;
                return Err(refused());
            }
            Presented::Unknown => return Err(refused()),
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// `POST /api/logout`
pub(crate) async fn log_out(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<StatusCode> {
    api.store.end_login(caller.login, api.clock.now()).await?;
    api.announcer.logins_ended(&caller.user, &[caller.login]).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/ticket`
pub(crate) async fn ticket(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<impl IntoResponse> {
    let Issued { token, .. } =
        api.keys.ticket(&caller.user, caller.login).map_err(|error| unsigned(&error))?;
    let expires_in = api.keys.lifetimes().ticket / 1000;
    Ok((StatusCode::CREATED, Json(Ticket { ticket: Secret::new(token), expires_in })))
}

/// Makes the answer that a login and a refresh have in common.
pub(super) fn logged_in(api: &Api, user: User, login: LoginId, refresh: &RefreshToken) -> Answer<LoggedIn> {
    let Issued { token, .. } =
        api.keys.access_token(&user.username, login).map_err(|error| unsigned(&error))?;
    Ok(LoggedIn {
        token: Secret::new(token),
        token_type: "Bearer".to_owned(),
        expires_in: api.keys.lifetimes().access / 1000,
        refresh_token: Secret::new(refresh.reveal()),
        servers: servers::of(api, &user.username),
        user,
    })
}

/// Encodes the state of the refresh tokens.
pub(super) fn encode(family: &impl Serialize) -> Answer<Vec<u8>> {
    serde_json::to_vec(family).map_err(|_| ErrorCode::Internal.into())
}

async fn renew(api: &Api, login: &Login, family: &RefreshFamily) -> ports::Result<()> {
    let refresh = serde_json::to_vec(family).map_err(|error| ports::Error::Corrupt(error.to_string()))?;
    let expires_at = family.ends_at(&api.options.refresh);
    api.store.update_login(Login { refresh, expires_at, ..login.clone() }).await
}

async fn end(api: &Api, login: &Login) -> Answer<()> {
    api.store.end_login(login.id, api.clock.now()).await?;
    api.announcer.logins_ended(&login.username, &[login.id]).await;
    Ok(())
}

fn unsigned(error: &KeyError) -> Failure {
    tracing::error!(%error, "a token was not signed");
    ErrorCode::Internal.into()
}
