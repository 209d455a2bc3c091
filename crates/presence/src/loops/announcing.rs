//! Changes for other shards: one batch of hints a shard, for all that happened in a few milliseconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use protocol::Shard;
use protocol::hint::{Envelope, Hint};
use protocol::presence::Presence;
use tokio::time::sleep;

use crate::hub::Hub;
use crate::ownership::Ownership;
use crate::state::{Change, Recipients};

/// How many users one hint tells of.
const USERS_PER_HINT: usize = 200;
/// How many questions to the store, or inboxes, are waited for at once.
const CONCURRENCY: usize = 32;

/// The news for each shard.
type News = BTreeMap<Shard, Vec<Presence>>;

/// Tells other shards what has changed. In the order of the changes: the last word on a user is the last one told.
pub(super) async fn run(hub: Arc<Hub>) {
    loop {
        hub.bells.changes.notified().await;
        sleep(hub.options.batch).await;
        let changes = hub.update(|state, _| state.take_changes());
        let own = changes.iter().filter(|change| matches!(change.to, Recipients::Watchers(_))).count();
        hub.metrics.changes.inc_by(own as u64);
        let ownership = hub.ownership();
        let (known, unknown): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| !matches!(change.to, Recipients::Watchers(None)));
        // Those who have just left are looked up: not at the cost of the others.
        publish(&hub, &ownership, address(&ownership, known)).await;
        publish(&hub, &ownership, address(&ownership, look_up(&hub, unknown).await)).await;
    }
}

/// Asks the store who may see those who changed.
async fn look_up(hub: &Hub, changes: Vec<Change>) -> Vec<Change> {
    stream::iter(changes)
        .map(async |change| match hub.store.visible_contacts(&change.presence.user).await {
            Ok(contacts) => Some(Change { to: Recipients::Watchers(Some(contacts.into())), ..change }),
            Err(error) => {
                tracing::warn!(%error, "a change cannot be told, since its watchers are not known");
                hub.metrics.hints_failed.inc();
                None
            }
        })
        .buffer_unordered(CONCURRENCY)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// Sorts changes by the shards that are to be told.
fn address(ownership: &Ownership, changes: Vec<Change>) -> News {
    let mut news = News::new();
    for Change { presence, to } in changes {
        let shards = match &to {
            Recipients::Owner => ownership.others([&presence.user]),
            Recipients::Watchers(contacts) => ownership.others(contacts.as_deref().unwrap_or_default()),
        };
        for shard in shards {
            news.entry(shard.clone()).or_default().push(presence.clone());
        }
    }
    news
}

/// Gives the news to the shards' inboxes.
async fn publish(hub: &Hub, ownership: &Ownership, news: News) {
    let epoch = ownership.epoch();
    let publishing = news.into_iter().map(async |(shard, users)| {
        let entries: Vec<Bytes> = users
            .chunks(USERS_PER_HINT)
            .map(|users| Hint::Presence { users: users.to_vec() })
            .map(|hint| Envelope { epoch, passed_on: false, hint }.encode())
            .collect();
        let count = entries.len() as u64;
        match hub.inbox.publish(&shard, entries).await {
            Ok(()) => hub.metrics.hints_sent.inc_by(count),
            Err(error) => {
                tracing::warn!(%error, %shard, "a shard cannot be told of changes");
                hub.metrics.hints_failed.inc_by(count);
            }
        }
    });
    stream::iter(publishing).for_each_concurrent(CONCURRENCY, |publishing| publishing).await;
}
