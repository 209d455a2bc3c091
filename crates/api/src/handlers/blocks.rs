//! Whom a user wants to hear nothing of.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http_edge::{Json, Query};
use protocol::account::Page;
use protocol::{ConversationId, Username};
use serde::Serialize;

use super::contacts::check_other;
use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;
use crate::paging::{self, PageQuery};
use crate::path::Path;

/// A blocked user.
#[derive(Debug, Serialize)]
pub(crate) struct Block {
    username: Username,
}

/// `GET /api/blocks`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<Block>>> {
    let blocks = api.store.blocks(&caller.user).await?;
    let blocks = blocks.into_iter().map(|username| Block { username }).collect();
    paging::by_name(blocks, &query, |block| &block.username).map(Json)
}

/// `PUT /api/blocks/{username}`
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(blocked): Path<Username>,
) -> Answer<StatusCode> {
    check_other(&caller.user, &blocked)?;
    let closed = api.store.put_block(&caller.user, &blocked, api.clock.now()).await?;
    announce(&api, &caller.user, &blocked, closed).await
}

/// `DELETE /api/blocks/{username}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(blocked): Path<Username>,
) -> Answer<StatusCode> {
    let opened = api.store.delete_block(&caller.user, &blocked).await?;
    announce(&api, &caller.user, &blocked, opened).await
}

/// Tells the presence shards of the two, and the chat shards if their direct conversation was closed or opened.
async fn announce(
    api: &Api,
    one: &Username,
    other: &Username,
    direct: Option<ConversationId>,
) -> Answer<StatusCode> {
    let mut announcement = api.announcer.begin();
    announcement.contacts(one, other);
    if let Some(id) = direct
        && let Some(conversation) = api.store.conversation(id).await?
    {
        announcement.conversation(&conversation, &[]);
    }
    api.announcer.publish(announcement).await;
    Ok(StatusCode::NO_CONTENT)
}
