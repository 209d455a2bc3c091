//! Conversations.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::LOCATION;
use http_edge::{Json, Query};
use ports::{Conversation, Membership, NewGroup};
use protocol::account::Page;
use protocol::conversation::{
    ConversationView, CreateConversation, UpdateConversation, check_members, check_title,
};
use protocol::{ConversationId, ErrorCode, Timestamp, Username};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::paging::{self, PageQuery};
use crate::path::Path;

/// A place in a user's list of conversations: when it was last active, and which one it is.
pub(super) type Place = (Timestamp, ConversationId);

/// `GET /api/conversations`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<ConversationView>>> {
    let limit = paging::limit(query.limit)?;
    let after: Option<Place> = paging::decode(query.cursor.as_deref())?;
    let mut memberships = newest_first(api.store.memberships(&caller.user).await?, after);
    let more = memberships.len() > limit;
    memberships.truncate(limit);
    let next_cursor = memberships.last().filter(|_| more).map(|last| paging::encode(&place(last)));
    let items = api.conversation_views(&caller.user, memberships).await?;
    Ok(Json(Page { items, next_cursor }))
}

/// `POST /api/conversations`
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Json(body): Json<CreateConversation>,
) -> Answer<impl IntoResponse> {
    if let Some(title) = &body.title {
        check_title(title).map_err(|reason| Failure::field("title", reason))?;
    }
    let mut members = body.members;
    members.retain(|member| *member != caller.user);
    members.sort();
    members.dedup();
    check_members(members.len() + 1).map_err(|reason| Failure::field("members", reason))?;
    let group = NewGroup {
        id: ConversationId(api.entropy.bytes()),
        title: body.title,
        owner: caller.user.clone(),
        members,
        at: api.clock.now(),
    };
    let conversation = api.store.create_group(group).await.map_err(|error| match error {
        ports::Error::UserNotFound => Failure::from(error).with_field("members"),
        error => error.into(),
    })?;
    api.announcer.conversation(&conversation, &[]).await;
    let location = format!("/api/conversations/{}", conversation.id);
    let view = seen_by(&api, &caller.user, conversation).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(view)))
}

/// `GET /api/conversations/{id}`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
) -> Answer<Json<ConversationView>> {
    let conversation = api.store.conversation(id).await?.ok_or(ErrorCode::ConversationNotFound)?;
    seen_by(&api, &caller.user, conversation).await.map(Json)
}

/// `PATCH /api/conversations/{id}`
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<UpdateConversation>,
) -> Answer<Json<ConversationView>> {
    check_membership(&api, id, &caller.user).await?;
    if let Some(title) = body.title {
        check_title(&title).map_err(|reason| Failure::field("title", reason))?;
        let conversation = api.store.rename_conversation(id, &caller.user, title).await?;
        api.announcer.conversation(&conversation, &[]).await;
    }
    if let Some(muted) = body.muted {
        api.store.set_muted(id, &caller.user, muted).await?;
    }
    let conversation = api.store.conversation(id).await?.ok_or(ErrorCode::ConversationNotFound)?;
    seen_by(&api, &caller.user, conversation).await.map(Json)
}

/// `DELETE /api/conversations/{id}`
pub(crate) async fn leave(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(id): Path<ConversationId>,
) -> Answer<StatusCode> {
    let removed = api.store.remove_member(id, &caller.user, &caller.user).await?;
    api.announcer.conversation(&removed.conversation, &[caller.user]).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user's membership; whoever has none learns not even that there is such a conversation.
pub(super) async fn check_membership(api: &Api, id: ConversationId, user: &Username) -> Answer<Membership> {
    let membership = api.store.membership(id, user).await?;
    membership.ok_or_else(|| ErrorCode::ConversationNotFound.into())
}

/// Sorts memberships by activity, the newest first, and gives those after a place.
pub(super) fn newest_first(mut memberships: Vec<Membership>, after: Option<Place>) -> Vec<Membership> {
    memberships.retain(|membership| after.is_none_or(|after| place(membership) < after));
    memberships.sort_by_key(|membership| std::cmp::Reverse(place(membership)));
    memberships
}

/// Gives the place of a membership in the list.
pub(super) fn place(membership: &Membership) -> Place {
    (membership.active_at, membership.conversation)
}

async fn seen_by(api: &Api, user: &Username, conversation: Conversation) -> Answer<ConversationView> {
    let membership = check_membership(api, conversation.id, user).await?;
    api.conversation_view(user, conversation, membership).await
}
