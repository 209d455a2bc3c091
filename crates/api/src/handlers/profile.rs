//! One's own profile.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http_edge::Json;
use ports::ProfileChange;
use protocol::ErrorCode;
use protocol::account::{UpdateProfile, User};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;
use crate::fields;

/// `GET /api/profile`
pub(crate) async fn get(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<Json<User>> {
    let account = api.store.account(&caller.user).await?.ok_or(ErrorCode::UserNotFound)?;
    Ok(Json(account.user))
}

/// `PATCH /api/profile`
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Json(body): Json<UpdateProfile>,
) -> Answer<Json<User>> {
    let change = ProfileChange {
        display_name: body.display_name.as_deref().map(fields::display_name).transpose()?,
        bio: nullable(body.bio, fields::bio)?,
        avatar_url: nullable(body.avatar_url, fields::avatar_url)?,
        status_text: nullable(body.status_text, fields::status_text)?,
    };
    Ok(Json(api.store.change_profile(&caller.user, change).await?))
}

/// `DELETE /api/profile`
pub(crate) async fn delete(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<StatusCode> {
    let (user, now) = (&caller.user, api.clock.now());
    let watchers = api.store.visible_contacts(user).await?;
    let ended = api.store.end_logins(user, None, now).await?;
    let left = api.store.delete_account(user, now).await?;
    let mut announcement = api.announcer.begin();
    announcement.logins_ended(user, &ended);
    for watcher in &watchers {
        announcement.contacts(user, watcher);
    }
    for id in left {
        if let Some(conversation) = api.store.conversation(id).await? {
            announcement.conversation(&conversation, std::slice::from_ref(user));
        }
    }
    api.announcer.publish(announcement).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a field that may be missing, be taken away, or have a value.
fn nullable(
    field: Option<Option<String>>,
    check: fn(&str) -> Answer<String>,
) -> Answer<Option<Option<String>>> {
    match field {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(text)) => check(&text).map(|text| Some(Some(text))),
    }
}
