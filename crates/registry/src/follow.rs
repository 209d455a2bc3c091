//! Keeping a copy of the table in a process that is not the registry.

use std::sync::Arc;
use std::time::Duration;

use ports::Entropy;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::client::Client;
use crate::feed::TableSource;

/// The longest time for which the registry holds a request, as far as the follower bears with it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The bounds between which the wait after a failure is drawn grow from the one to the other.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Follows the registry until `stop`: asks for a newer table again and again, and offers what comes to `source`.
///
/// While the registry is away, or tells of an older table than the one known, the last one stays, and the
/// follower tries again after 0 to 5 s. It never ends by itself. A newer table arrives within a round trip.
pub async fn follow(client: Client, source: TableSource, entropy: Arc<dyn Entropy>, stop: CancellationToken) {
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    let known = source.feed();
    let follow = async {
        loop {
            match client.newer_table(known.epoch(), PATIENCE).await {
                Ok(Some(table)) => {
                    let (epoch, term) = (u64::from(table.epoch), table.epoch.term());
                    if source.offer(table.into()) {
                        backoff.reset();
                        tracing::info!(epoch, term, "new table");
                        continue;
                    }
                    tracing::debug!(epoch, term, "the registry's table is not newer");
                }
                Ok(None) => backoff.reset(),
                Err(error) => tracing::warn!(%error, epoch = %known.epoch(), "no answer of the registry"),
            }
            // After an answer too: a registry that does not hold requests must not be asked without a pause.
            tokio::time::sleep(backoff.next(&*entropy)).await;
        }
    };
    stop.run_until_cancelled(follow).await;
}
