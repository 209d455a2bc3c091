//! What the role counts.

use ports::Outcome;
use telemetry::{IntCounter, IntCounterVec, MetricsError};

/// The role's figures.
pub(crate) struct Metrics {
    pub(crate) entries: IntCounter,
    pushes: IntCounterVec,
}

impl Metrics {
    /// Registers the figures.
    pub(crate) fn new(metrics: &telemetry::Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            entries: metrics
                .counter("chatapp_notification_entries_total", "Outbox entries that were looked at.")?,
            pushes: metrics.counters(
                "chatapp_notification_pushes_total",
                "Pushes that were tried, by channel and outcome.",
                &["channel", "outcome"],
            )?,
        })
    }

    /// Counts a push.
    pub(crate) fn pushed(&self, channel: &str, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Sent => "sent",
            Outcome::Retry { .. } => "retry",
            Outcome::Gone => "gone",
            Outcome::Refused => "refused",
        };
        self.pushes.with_label_values(&[channel, outcome]).inc();
    }
}
