//! What the shard counts.

use telemetry::{DURATION_BUCKETS, Histogram, IntCounter, IntCounterVec, IntGauge, MetricsError};

/// The shard's figures, each resolved once.
pub(crate) struct Metrics {
    pub(crate) connections: IntGauge,
    pub(crate) users: IntGauge,
    pub(crate) conversations: IntGauge,
    pub(crate) frames_in: IntCounter,
    pub(crate) acked: IntCounter,
    pub(crate) refused: IntCounterVec,
    pub(crate) delivered: IntCounter,
    pub(crate) forwarded: IntCounter,
    pub(crate) hints: IntCounter,
    pub(crate) hints_dropped: IntCounter,
    pub(crate) early: IntCounter,
    pub(crate) repairs: IntCounter,
    pub(crate) swept: IntCounter,
    pub(crate) sweep_errors: IntCounter,
    pub(crate) overflows: IntCounter,
    pub(crate) sent_away: IntCounter,
    pub(crate) epoch: IntGauge,
    pub(crate) ack_seconds: Histogram,
}

impl Metrics {
    /// Registers the figures.
    pub(crate) fn new(metrics: &telemetry::Metrics) -> Result<Self, MetricsError> {
        let counter = |name, help| metrics.counter(name, help);
        let gauge = |name, help| metrics.gauge(name, help);
        let refused = metrics.counters(
            "chatapp_chat_refused_total",
            "Requests that were refused, by code.",
            &["code"],
        )?;
        let ack_seconds = metrics.histogram(
            "chatapp_chat_ack_seconds",
            "From a request's arrival to its durability.",
            DURATION_BUCKETS,
        )?;
        Ok(Self {
            connections: gauge("chatapp_chat_connections", "Sockets that are open.")?,
            users: gauge("chatapp_chat_users", "Users with a socket.")?,
            conversations: gauge(
                "chatapp_chat_conversations",
                "Conversations with a member who has a socket.",
            )?,
            frames_in: counter("chatapp_chat_frames_received_total", "Text frames from clients.")?,
            acked: counter("chatapp_chat_acked_total", "Requests that were acknowledged as durable.")?,
            refused,
            delivered: counter("chatapp_chat_delivered_total", "Events put into sockets' queues.")?,
            forwarded: counter("chatapp_chat_hints_sent_total", "Hints sent to other shards.")?,
            hints: counter(
                "chatapp_chat_hints_received_total",
                "Hints received from other shards and the api.",
            )?,
            hints_dropped: counter("chatapp_chat_hints_dropped_total", "Hints that could not be sent.")?,
            early: counter("chatapp_chat_early_events_total", "Events that came before their predecessors.")?,
            repairs: counter("chatapp_chat_repairs_total", "Logs read since an event was missing.")?,
            swept: counter("chatapp_chat_swept_total", "Logs read since the sweep found them ahead.")?,
            sweep_errors: counter("chatapp_chat_sweep_errors_total", "Sweeps that failed.")?,
            overflows: counter(
                "chatapp_chat_overflows_total",
                "Sockets closed since they could not be written to.",
            )?,
            sent_away: counter("chatapp_chat_sent_away_total", "Clients told to go to another shard.")?,
            epoch: gauge("chatapp_chat_table_epoch", "The epoch of the placement table in force.")?,
            ack_seconds,
        })
    }
}

/// Shows a count.
pub(crate) fn show(gauge: &IntGauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}
