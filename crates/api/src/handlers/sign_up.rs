//! Making an account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::LOCATION;
use http_edge::Json;
use ports::Account;
use protocol::account::{SignUp, User};
use protocol::{ErrorCode, Username};

use crate::address::ClientAddress;
use crate::api::Api;
use crate::failure::{Answer, Failure};
use crate::fields;

/// `POST /api/signup`
pub(crate) async fn sign_up(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    Json(body): Json<SignUp>,
) -> Answer<impl IntoResponse> {
    api.limits.sign_up(address)?;
    let username = Username::new(&body.username).map_err(|error| {
        Failure::because(ErrorCode::InvalidUsername, error.to_string()).with_field("username")
    })?;
    let display_name = match &body.display_name {
        Some(name) => fields::display_name(name)?,
        None => username.as_str().to_owned(),
    };
    check_password(&api, "password", body.password.expose(), &username)?;
    // Before the hash is paid for; whoever is at the same point at the same time loses when the account is made.
    if api.store.account(&username).await?.is_some() {
        return Err(ErrorCode::UsernameTaken.into());
    }
    let password_hash = api.passwords.hash(body.password).await?;
    let created_at = api.clock.now();
    let user = User { username, display_name, bio: None, avatar_url: None, status_text: None, created_at };
    api.store.create_account(Account { user: user.clone(), password_hash, throttle: Vec::new() }).await?;
    api.metrics.sign_ups.inc();
    let location = format!("/api/users/{}", user.username);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(user)))
}

/// Checks a new password; the problem names the field that it came in.
pub(super) fn check_password(api: &Api, field: &str, password: &str, username: &Username) -> Answer<()> {
    api.options
        .passwords
        .check(password, username)
        .map_err(|problem| Failure::because(ErrorCode::WeakPassword, problem.to_string()).with_field(field))
}
