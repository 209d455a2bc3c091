//! Changing the password.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http_edge::Json;
use protocol::ErrorCode;
use protocol::account::ChangePassword;

use super::log_in::compare;
use super::sign_up::check_password;
use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;

/// `PUT /api/profile/password`
///
/// The current password is guessed no faster with a token than without; all other logins end.
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Json(body): Json<ChangePassword>,
) -> Answer<StatusCode> {
    check_password(&api, "new", body.new.expose(), &caller.user)?;
    let account = api.store.account(&caller.user).await?;
    let verdict = compare(&api, caller.user.as_str(), account.as_ref(), &body.current).await?;
    if !verdict.ok {
        return Err(ErrorCode::InvalidCredentials.into());
    }
    let hash = api.passwords.hash(body.new).await?;
    api.store.set_password(&caller.user, hash).await?;
    let ended = api.store.end_logins(&caller.user, Some(caller.login), api.clock.now()).await?;
    api.announcer.logins_ended(&caller.user, &ended).await;
    Ok(StatusCode::NO_CONTENT)
}
