//! Who is in a conversation.

use std::sync::Arc;

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use http_edge::Json;
use protocol::conversation::PutMember;
use protocol::{ConversationId, Username};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::path::Path;

/// `PUT /api/conversations/{id}/members/{username}`
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path((id, member)): Path<(ConversationId, Username)>,
    Role(body): Role,
) -> Answer<StatusCode> {
    let conversation = api.store.put_member(id, &caller.user, &member, body.role).await?;
    api.announcer.conversation(&conversation, &[]).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/conversations/{id}/members/{username}`
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path((id, member)): Path<(ConversationId, Username)>,
) -> Answer<StatusCode> {
    let removed = api.store.remove_member(id, &caller.user, &member).await?;
    if removed.was_member {
        api.announcer.conversation(&removed.conversation, &[member]).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The body of a call that may as well have none.
pub(crate) struct Role(PutMember);

impl FromRequest<Arc<Api>> for Role {
    type Rejection = Failure;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Failure> {
        if request.body().is_end_stream() {
            return Ok(Self(PutMember::default()));
        }
        let Json(body) = Json::from_request(request, api).await?;
        Ok(Self(body))
    }
}
