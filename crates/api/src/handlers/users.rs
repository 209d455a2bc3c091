//! Other users.

use std::sync::Arc;

use axum::extract::State;
use http_edge::{Json, Query};
use protocol::account::{Page, User};
use protocol::{ErrorCode, Username};
use serde::Deserialize;

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;
use crate::path::Path;
use crate::{fields, paging};

/// The longest text that is searched for, in characters.
const MAX_QUERY: usize = 64;

/// Asks for users whose name begins with, or whose displayed name contains a text; all without one.
#[derive(Debug, Deserialize)]
pub(crate) struct UsersQuery {
    #[serde(default)]
    query: String,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/users/{username}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    _: Caller,
    Path(username): Path<Username>,
) -> Answer<Json<User>> {
    let account = api.store.account(&username).await?.ok_or(ErrorCode::UserNotFound)?;
    Ok(Json(account.user))
}

/// `GET /api/users`
pub(crate) async fn search(
    State(api): State<Arc<Api>>,
    _: Caller,
    Query(query): Query<UsersQuery>,
) -> Answer<Json<Page<User>>> {
    let limit = paging::limit(query.limit)?;
    let after: Option<Username> = paging::decode(query.cursor.as_deref())?;
    let text = fields::within("query", query.query.trim(), MAX_QUERY)?;
    let page = api.store.search_accounts(&text, after.as_ref(), limit).await?;
    let next_cursor = page.users.last().filter(|_| page.more).map(|last| paging::encode(&last.username));
    Ok(Json(Page { items: page.users, next_cursor }))
}
