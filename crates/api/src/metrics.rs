//! What the role counts.

use http::Method;
use http_edge::Exchange;
use telemetry::{DURATION_BUCKETS, HistogramVec, IntCounter, IntCounterVec, IntGauge, MetricsError};

/// The role's figures.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) sign_ups: IntCounter,
    pub(crate) log_ins: IntCounterVec,
    pub(crate) waiting_passwords: IntGauge,
    pub(crate) carried_sockets: IntGauge,
    pub(crate) uncarried_sockets: IntCounterVec,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    /// Registers the figures.
    pub(crate) fn register(metrics: &telemetry::Metrics) -> Result<Self, MetricsError> {
        Ok(Self {
            sign_ups: metrics.counter("chatapp_api_sign_ups_total", "Accounts that were made.")?,
            log_ins: metrics.counters(
                "chatapp_api_log_ins_total",
                "Log-ins, by what came of them.",
                &["outcome"],
            )?,
            waiting_passwords: metrics
                .gauge("chatapp_api_waiting_passwords", "Passwords that are being hashed, or wait for it.")?,
            carried_sockets: metrics
                .gauge("chatapp_api_carried_sockets", "Sockets that are carried to shards, or asked for.")?,
            uncarried_sockets: metrics.counters(
                "chatapp_api_uncarried_sockets_total",
                "Sockets for which no shard could be reached.",
                &["service"],
            )?,
            requests: metrics.counters(
                "chatapp_api_requests_total",
                "Requests, by route, method and status.",
                &["route", "method", "status"],
            )?,
            seconds: metrics.histograms(
                "chatapp_api_request_seconds",
                "From a request's head to its answer's.",
                &["route", "method"],
                DURATION_BUCKETS,
            )?,
        })
    }

    /// Counts a request.
    pub(crate) fn observe(&self, exchange: &Exchange<'_>) {
        let method = method(exchange.method);
        self.requests.with_label_values(&[exchange.route, method, exchange.status.as_str()]).inc();
        self.seconds.with_label_values(&[exchange.route, method]).observe(exchange.latency.as_secs_f64());
    }
}

/// Gives the method as a label; clients can make up any.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
