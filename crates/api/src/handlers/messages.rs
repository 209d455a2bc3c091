//! A conversation's messages.

use std::sync::Arc;

use axum::extract::State;
use http_edge::{Json, Query};
use ports::history;
use protocol::ConversationId;
use protocol::chat::MessageView;
use serde::{Deserialize, Serialize};

use super::conversations::check_membership;
use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::paging;
use crate::path::Path;

/// Asks for messages: the newest, or those next to a seq.
#[derive(Debug, Deserialize)]
pub(crate) struct MessagesQuery {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
}

/// Messages in order of seq.
#[derive(Debug, Serialize)]
pub(crate) struct MessagesPage {
    messages: Vec<MessageView>,
    more: bool,
}

/// `GET /api/conversations/{id}/messages`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<MessagesQuery>,
) -> Answer<Json<MessagesPage>> {
    let limit = paging::limit(query.limit)?;
    if query.before.is_some() && query.after.is_some() {
        return Err(Failure::field("before", "and after exclude each other"));
    }
    check_membership(&api, id, &caller.user).await?;
    let (messages, more) = history::page(api.log.as_ref(), id, query.before, query.after, limit).await?;
    Ok(Json(MessagesPage { messages, more }))
}
