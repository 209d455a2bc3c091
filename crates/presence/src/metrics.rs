//! What operators see of a presence shard.

use telemetry::{Histogram, IntCounter, IntGauge, Metrics, MetricsError};

/// Upper bounds for how many users a snapshot shows.
const SNAPSHOT_BUCKETS: &[f64] = &[0.0, 1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0];

/// The metrics of a presence shard; clones share them.
#[derive(Clone, Debug)]
pub struct PresenceMetrics {
    /// Open sockets.
    pub(crate) connections: IntGauge,
    /// Users with an open socket.
    pub(crate) users: IntGauge,
    /// Changes of users that others see.
    pub(crate) changes: IntCounter,
    /// Hints given to other shards, each of many users.
    pub(crate) hints_sent: IntCounter,
    /// Hints that could not be given; the sweeps of the others make up for them.
    pub(crate) hints_failed: IntCounter,
    /// Hints from the inbox.
    pub(crate) hints_received: IntCounter,
    /// Records written into the store.
    pub(crate) records_written: IntCounter,
    /// Records that the store did not take in time, or refused since a newer owner has written.
    pub(crate) records_refused: IntCounter,
    /// How many users a first snapshot shows.
    pub(crate) snapshot_users: Histogram,
    /// Sockets closed since their client read too slowly.
    pub(crate) queue_overflows: IntCounter,
    /// Sockets closed since nothing came from them.
    pub(crate) silent_deaths: IntCounter,
    /// The epoch of the placement table.
    pub(crate) table_epoch: IntGauge,
}

impl PresenceMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// Metrics of these names and labels are there already.
    pub fn register(metrics: &Metrics) -> Result<Self, MetricsError> {
        let counter = |name, help| metrics.counter(&format!("chatapp_presence_{name}_total"), help);
        let gauge = |name, help| metrics.gauge(&format!("chatapp_presence_{name}"), help);
        Ok(Self {
            connections: gauge("connections", "Open sockets.")?,
            users: gauge("users", "Users with an open socket.")?,
            changes: counter("changes", "Changes of users that others see.")?,
            hints_sent: counter("hints_sent", "Hints given to other shards.")?,
            hints_failed: counter("hints_failed", "Hints that could not be given.")?,
            hints_received: counter("hints_received", "Hints from the inbox.")?,
            records_written: counter("records_written", "Records written into the store.")?,
            records_refused: counter("records_refused", "Records that the store did not keep.")?,
            snapshot_users: metrics.histogram(
                "chatapp_presence_snapshot_users",
                "Users in the first snapshot of a connection.",
                SNAPSHOT_BUCKETS,
            )?,
            queue_overflows: counter("queue_overflows", "Sockets closed for reading too slowly.")?,
            silent_deaths: counter("silent_deaths", "Sockets closed since nothing came from them.")?,
            table_epoch: gauge("table_epoch", "Epoch of the placement table.")?,
        })
    }
}
