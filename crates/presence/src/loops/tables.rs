//! Placement tables: whom this shard gains it expects, whom it loses it sends away.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use placement::{Bucket, Table};
use protocol::chat::ReconnectReason;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::away;
use crate::hub::{Hub, STORE_PAGE};
use crate::ownership::Ownership;

/// How long the store is left alone after it has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the table; whom the first one gives this shard it expects too, since its predecessor served them.
pub(super) async fn run(hub: Arc<Hub>, mut tables: watch::Receiver<Arc<Table>>) {
    let start = hub.ownership().gained_since(None);
    hub.spawn(adopt(hub.clone(), start));
    loop {
        let table = tables.borrow_and_update().clone();
        let ownership = Ownership::new(hub.shard.clone(), table);
        hub.metrics.table_epoch.set(i64::try_from(ownership.epoch()).unwrap_or(i64::MAX));
        let transfer = hub.update(|state, now| state.take_table(ownership, now));
        if !transfer.gained.is_empty() {
            hub.spawn(adopt(hub.clone(), transfer.gained));
        }
        // A shard that drains sends everybody away already.
        if !transfer.away.is_empty() && !hub.draining.load(Ordering::Acquire) {
            tracing::info!(sockets = transfer.away.len(), "users belong to other shards now");
            let window = hub.options.move_window;
            hub.spawn(away::send(hub.clone(), transfer.away, window, ReconnectReason::Moved));
        }
        if tables.changed().await.is_err() {
            // Nobody publishes tables any more; the last one holds.
            return;
        }
    }
}

/// Expects those who are connected in these buckets as far as the store knows.
async fn adopt(hub: Arc<Hub>, gained: BTreeSet<Bucket>) {
    let mut after = None;
    loop {
        let read_at = hub.now().elapsed;
        match hub.store.connected_presences(after.as_ref(), STORE_PAGE).await {
            Ok(records) => {
                hub.update(|state, now| state.adopt_all(&records, &gained, read_at, now));
                match records.last() {
                    Some(last) if records.len() == STORE_PAGE => after = Some(last.username.clone()),
                    _ => return,
                }
            }
            Err(error) => {
                tracing::warn!(%error, "those who were connected cannot be read yet");
                sleep(PAUSE).await;
            }
        }
    }
}
