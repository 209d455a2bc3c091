//! Logs and metrics of a process and of the roles in it.
//!
//! The metrics library stays behind this crate: its handles are exported here, so that a change of it is one crate.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic"))]

mod exposition;
mod format;
mod logging;
mod metrics;

pub use format::Format;
pub use logging::{LogFormat, LoggingError, init_logging};
pub use metrics::{DURATION_BUCKETS, Metrics, MetricsError, SIZE_BUCKETS};
pub use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
};
