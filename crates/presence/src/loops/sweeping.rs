//! The sweep: reads the records of the watched again, so that a lost hint costs latency and nothing else.

use std::sync::Arc;

use tokio::time::sleep;

use crate::hub::{Hub, STORE_PAGE};

/// Sweeps again and again.
pub(super) async fn run(hub: Arc<Hub>) {
    loop {
        sleep(hub.options.sweep).await;
        let watched = hub.update(|state, now| {
            state.forget_old(now);
            state.vouch_for_guests();
            state.watched_elsewhere()
        });
        for page in watched.chunks(STORE_PAGE) {
            let read_at = hub.now().elapsed;
            match hub.store.presences(page).await {
                Ok(records) => hub.update(|state, now| {
                    for record in &records {
                        state.correct(record, read_at, now);
                    }
                }),
                Err(error) => {
                    tracing::warn!(%error, "the presences of the watched cannot be read");
                    break;
                }
            }
        }
    }
}
