//! Records for the store: so that a successor knows who is there, and others see what a hint did not bring.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ports::PresenceRecord;
use protocol::Username;
use tokio::time::sleep;

use crate::hub::{Hub, STORE_PAGE};

/// How long the store is left alone after it has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Records that the store has not taken yet, the last of each user.
type Unwritten = BTreeMap<Username, PresenceRecord>;

/// Writes what has changed, gathered for a moment.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut unwritten = Unwritten::new();
    loop {
        if unwritten.is_empty() {
            hub.bells.records.notified().await;
        } else {
            sleep(PAUSE).await;
        }
        sleep(hub.options.batch).await;
        write(&hub, &mut unwritten).await;
    }
}

/// Writes what has changed, once.
pub(crate) async fn write_records(hub: &Hub) {
    write(hub, &mut Unwritten::new()).await;
}

/// Writes the records of the connected again now and then.
pub(super) async fn refresh(hub: Arc<Hub>) {
    loop {
        sleep(hub.options.record_refresh).await;
        hub.update(|state, _| state.touch_all());
    }
}

async fn write(hub: &Hub, unwritten: &mut Unwritten) {
    let records = hub.update(|state, now| state.take_records(now));
    unwritten.extend(records.into_iter().map(|record| (record.username.clone(), record)));
    let records: Vec<PresenceRecord> = std::mem::take(unwritten).into_values().collect();
    for page in records.chunks(STORE_PAGE) {
        let asked = page.len();
        let kept = match hub.store.put_presences(page.to_vec()).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, records = asked, "presences cannot be stored yet");
                unwritten.extend(page.iter().map(|record| (record.username.clone(), record.clone())));
                0
            }
        };
        hub.metrics.records_written.inc_by(kept as u64);
        hub.metrics.records_refused.inc_by(asked.saturating_sub(kept) as u64);
    }
}
