//! What the role counts.

use http::Method;
use http_edge::Exchange;
use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, Result};

/// The bounds of the latencies, in seconds: a store's answer takes a fraction of the first, a password's hash the middle ones.
const SECONDS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

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
    pub(crate) fn register(registry: &Registry) -> Result<Self> {
        let seconds =
            HistogramOpts::new("chatapp_api_request_seconds", "From a request's head to its answer's.");
        let metrics = Self {
            sign_ups: IntCounter::new("chatapp_api_sign_ups_total", "Accounts that were made.")?,
            log_ins: IntCounterVec::new(
                Opts::new("chatapp_api_log_ins_total", "Log-ins, by what came of them."),
                &["outcome"],
            )?,
            waiting_passwords: IntGauge::new(
                "chatapp_api_waiting_passwords",
                "Passwords that are being hashed, or wait for it.",
            )?,
            carried_sockets: IntGauge::new(
                "chatapp_api_carried_sockets",
                "Sockets that are carried to shards, or asked for.",
            )?,
            uncarried_sockets: IntCounterVec::new(
                Opts::new(
                    "chatapp_api_uncarried_sockets_total",
                    "Sockets for which no shard could be reached.",
                ),
                &["service"],
            )?,
            requests: IntCounterVec::new(
                Opts::new("chatapp_api_requests_total", "Requests, by route, method and status."),
                &["route", "method", "status"],
            )?,
            seconds: HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["route", "method"])?,
        };
        let collectors: [Box<dyn Collector>; 7] = [
            Box::new(metrics.sign_ups.clone()),
            Box::new(metrics.log_ins.clone()),
            Box::new(metrics.waiting_passwords.clone()),
            Box::new(metrics.carried_sockets.clone()),
            Box::new(metrics.uncarried_sockets.clone()),
            Box::new(metrics.requests.clone()),
            Box::new(metrics.seconds.clone()),
        ];
        for collector in collectors {
            registry.register(collector)?;
        }
        Ok(metrics)
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
