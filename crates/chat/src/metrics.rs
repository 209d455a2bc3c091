//! What the shard counts.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, Result};

/// The bounds of the latencies, in seconds: from 50 µs to 5 s.
const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];

/// The shard's figures, each resolved once.
pub(crate) struct Metrics {
    pub(crate) connections: IntGauge,
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
    pub(crate) fn new(registry: &Registry) -> Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let refused = Opts::new("chatapp_chat_refused_total", "Requests that were refused, by code.");
        let refused = IntCounterVec::new(refused, &["code"])?;
        registry.register(Box::new(refused.clone()))?;
        let ack =
            HistogramOpts::new("chatapp_chat_ack_seconds", "From a request's arrival to its durability.");
        let ack_seconds = Histogram::with_opts(ack.buckets(SECONDS.to_vec()))?;
        registry.register(Box::new(ack_seconds.clone()))?;
        Ok(Self {
            connections: gauge("chatapp_chat_connections", "Sockets that are open.")?,
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
