//! Looking for messages in one's own conversations.

use std::sync::Arc;

use axum::extract::State;
use http_edge::{Json, Query};
use ports::{Membership, history};
use protocol::account::Page;
use protocol::chat::MessageView;
use protocol::{ConversationId, Username};
use serde::{Deserialize, Serialize};

use super::conversations::{Place, check_membership, newest_first, place};
use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::{Answer, Failure};
use crate::{fields, paging};

/// The longest text that is searched for, in characters.
const MAX_QUERY: usize = 128;

/// How many events one request reads at most; the cursor goes on from there.
const BUDGET: usize = 10_000;

/// How many conversations one request looks into at most.
const CONVERSATIONS: usize = 100;

/// Asks for messages that contain a text.
#[derive(Debug, Deserialize)]
pub(crate) struct SearchQuery {
    query: String,
    conversation: Option<ConversationId>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Where a search goes on: after the conversation at this place, and first before this seq in it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cursor(Place, u64);

/// A conversation to look into, from before this seq backwards.
#[derive(Clone, Copy, Debug)]
struct Task {
    place: Place,
    before: u64,
}

/// `GET /api/search`
///
/// A page may have few messages, or none, and yet a cursor: what one request reads is bounded.
pub(crate) async fn search(
    State(api): State<Arc<Api>>,
    Caller(caller): Caller,
    Query(query): Query<SearchQuery>,
) -> Answer<Json<Page<MessageView>>> {
    let limit = paging::limit(query.limit)?;
    let text = fields::within("query", query.query.trim(), MAX_QUERY)?;
    if text.is_empty() {
        return Err(Failure::field("query", "is empty"));
    }
    let cursor: Option<Cursor> = paging::decode(query.cursor.as_deref())?;
    let tasks = tasks(&api, &caller.user, query.conversation, cursor).await?;
    run(&api, &text, limit, &tasks).await.map(Json)
}

/// Gives what is left to look into, in order.
async fn tasks(
    api: &Api,
    user: &Username,
    only: Option<ConversationId>,
    cursor: Option<Cursor>,
) -> Answer<Vec<Task>> {
    let memberships = match only {
        Some(id) => vec![check_membership(api, id, user).await?],
        None => api.store.memberships(user).await?,
    };
    // The conversation that was begun may have moved to the front since: it is told by its id.
    let begun = cursor.and_then(|Cursor(place, before)| {
        let still_member = memberships.iter().any(|membership| membership.conversation == place.1);
        (still_member && before > 0).then_some(Task { place, before })
    });
    let mut rest = newest_first(memberships, cursor.map(|Cursor(place, _)| place));
    rest.retain(|membership: &Membership| begun.is_none_or(|task| task.place.1 != membership.conversation));
    // One more than is looked into shows whether there are more.
    rest.truncate(CONVERSATIONS + 1);
    let ids: Vec<ConversationId> = rest.iter().map(|membership| membership.conversation).collect();
    let ends = api.log.ends(&ids).await?;
    let rest =
        rest.iter().zip(ends).map(|(membership, end)| Task { place: place(membership), before: end.seq + 1 });
    Ok(begun.into_iter().chain(rest).collect())
}

async fn run(api: &Api, text: &str, limit: usize, tasks: &[Task]) -> Answer<Page<MessageView>> {
    let (mut items, mut budget) = (Vec::new(), BUDGET);
    for (index, task) in tasks.iter().enumerate() {
        if items.len() >= limit || budget == 0 || index >= CONVERSATIONS {
            return Ok(Page { items, next_cursor: Some(paging::encode(&Cursor(task.place, task.before))) });
        }
        let conversation = task.place.1;
        let (events, last) =
            api.log.search(conversation, text, Some(task.before), limit - items.len(), budget).await?;
        for event in &events {
            items.extend(history::message(api.log.as_ref(), event).await?);
        }
        // 0 says that the log's begin was reached; 1 that nothing is left before it either.
        if last > 1 {
            return Ok(Page { items, next_cursor: Some(paging::encode(&Cursor(task.place, last))) });
        }
        let read = usize::try_from(task.before.saturating_sub(1)).unwrap_or(usize::MAX);
        budget = budget.saturating_sub(read);
    }
    Ok(Page { items, next_cursor: None })
}
