//! Whom a user knows.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http_edge::{Json, Query};
use protocol::Username;
use protocol::account::{Contact, Page};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::paging::{self, PageQuery};
use crate::path::Path;

/// `GET /api/contacts`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Query(query): Query<PageQuery>,
) -> Answer<Json<Page<Contact>>> {
    let contacts = api.store.contacts(&caller.user).await?;
    paging::by_name(contacts, &query, |contact| &contact.username).map(Json)
}

/// `PUT /api/contacts/{username}`
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(contact): Path<Username>,
) -> Answer<StatusCode> {
    check_other(&caller.user, &contact)?;
    api.store.put_contact(&caller.user, &contact, api.clock.now()).await?;
    announce(&api, &caller.user, &contact).await;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/contacts/{username}`
pub(crate) async fn delete(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Path(contact): Path<Username>,
) -> Answer<StatusCode> {
    api.store.delete_contact(&caller.user, &contact).await?;
    announce(&api, &caller.user, &contact).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Nobody is their own contact, or blocks themself.
pub(super) fn check_other(user: &Username, other: &Username) -> Answer<()> {
    if user == other { Err(Failure::field("username", "is the asking user")) } else { Ok(()) }
}

async fn announce(api: &Api, one: &Username, other: &Username) {
    let mut announcement = api.announcer.begin();
    announcement.contacts(one, other);
    api.announcer.publish(announcement).await;
}
