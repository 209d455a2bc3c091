//! Hints from other parts of the cluster.

use std::sync::Arc;
use std::time::Duration;

use protocol::hint::Envelope;
use tokio::time::sleep;

use crate::hub::Hub;

/// How many hints are read at once.
const PAGE: usize = 256;
/// How long the inbox is left alone after it has failed.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads the inbox after `cursor`.
pub(super) async fn run(hub: Arc<Hub>, mut cursor: u64) {
    loop {
        match hub.inbox.read(&hub.shard, cursor, PAGE).await {
            Ok(batch) => {
                cursor = batch.cursor;
                for entry in batch.entries {
                    hub.metrics.hints_received.inc();
                    match Envelope::decode(&entry) {
                        Ok(envelope) => hub.update(|state, now| state.hear(envelope, now)),
                        Err(error) => tracing::warn!(%error, "a hint cannot be read"),
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the inbox cannot be read");
                sleep(PAUSE).await;
            }
        }
    }
}
