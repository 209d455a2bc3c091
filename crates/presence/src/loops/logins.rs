//! Logins that have ended, from the store: behind the hints, which may be lost.

use std::sync::Arc;

use protocol::Timestamp;
use tokio::time::sleep;

use crate::hub::Hub;

/// How far each question reaches back before the last one, in milliseconds: the clocks of those who end logins differ.
const OVERLAP: u64 = 60_000;

/// Asks again and again which logins have ended.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut since = hub.now().wall;
    loop {
        sleep(hub.options.ended_logins_poll).await;
        let asked_at = hub.now().wall;
        match hub.store.ended_logins(Timestamp(since.0.saturating_sub(OVERLAP))).await {
            Ok(ended) => {
                since = asked_at;
                hub.update(|state, now| {
                    for login in ended {
                        state.end_login(login.id, &login.username, now);
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "the ended logins cannot be read"),
        }
    }
}
