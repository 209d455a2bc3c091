//! What the role counts.

use ports::Outcome;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry, Result};

/// The role's figures.
pub(crate) struct Metrics {
    pub(crate) entries: IntCounter,
    pushes: IntCounterVec,
}

impl Metrics {
    /// Registers the figures.
    pub(crate) fn new(registry: &Registry) -> Result<Self> {
        let entries =
            IntCounter::new("chatapp_notification_entries_total", "Outbox entries that were looked at.")?;
        registry.register(Box::new(entries.clone()))?;
        let pushes =
            Opts::new("chatapp_notification_pushes_total", "Pushes that were tried, by channel and outcome.");
        let pushes = IntCounterVec::new(pushes, &["channel", "outcome"])?;
        registry.register(Box::new(pushes.clone()))?;
        Ok(Self { entries, pushes })
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
