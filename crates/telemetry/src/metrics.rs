//! The metrics of a process.

use std::collections::HashMap;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use crate::Format;
use crate::exposition::write;

/// Upper bounds for durations, in seconds: from 10 µs to 10 s, two or three for each factor of ten.
pub const DURATION_BUCKETS: &[f64] = &[
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Upper bounds for counts of things handled together, and for sizes: powers of four from 1 to 65,536.
pub const SIZE_BUCKETS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0];

/// Registers metrics, and writes all metrics of the process.
///
/// A process has one set; each role and shard in it has a view of it that adds its own labels. What several roles
/// register under one name comes out as one family. Resolve the children of labelled metrics once and keep them: each
/// look-up takes a lock.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Registry,
    labels: HashMap<String, String>,
}

/// Says why a metric cannot be registered: a mistake in the program, found when a role starts.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The name of a counter ends in `_total`, in both formats.
    #[error("counter {0} does not end in _total")]
    CounterName(String),
    /// The name or the labels are invalid, taken, or used elsewhere with another help text or other labels.
    #[error("metric cannot be registered: {0}")]
    Refused(#[from] prometheus::Error),
}

impl Metrics {
    /// Makes the empty set of a process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the view of a role, and of its shard if it has any.
    ///
    /// All views have the same labels, as metrics of one name must; an empty one is not written.
    #[must_use]
    pub fn of_role(&self, role: &str, shard: Option<&str>) -> Self {
        let mut labels = self.labels.clone();
        labels.insert("role".to_owned(), role.to_owned());
        labels.insert("shard".to_owned(), shard.unwrap_or_default().to_owned());
        Self { registry: self.registry.clone(), labels }
    }

    /// Adds what the system knows of the process: CPU, memory, open files, threads.
    ///
    /// # Errors
    /// The system does not say.
    pub fn add_process(&self) -> Result<(), MetricsError> {
        #[cfg(target_os = "linux")]
        self.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
    }

    /// Registers a counter; its name ends in `_total`.
    ///
    /// # Errors
    /// See [`MetricsError`]; so for all that follow.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        counter_name(name)?;
        self.register(IntCounter::with_opts(self.options(name, help)))
    }

    /// Registers counters that differ in `labels`; their name ends in `_total`.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        counter_name(name)?;
        self.register(IntCounterVec::new(self.options(name, help), labels))
    }

    /// Registers a gauge of whole numbers.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.register(IntGauge::with_opts(self.options(name, help)))
    }

    /// Registers gauges of whole numbers that differ in `labels`.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.register(IntGaugeVec::new(self.options(name, help), labels))
    }

    /// Registers a gauge of fractions.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn ratio(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        self.register(Gauge::with_opts(self.options(name, help)))
    }

    /// Registers gauges of fractions that differ in `labels`.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn ratios(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, MetricsError> {
        self.register(GaugeVec::new(self.options(name, help), labels))
    }

    /// Registers a histogram with upper bounds such as [`DURATION_BUCKETS`].
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, MetricsError> {
        self.register(Histogram::with_opts(self.histogram_options(name, help, buckets)))
    }

    /// Registers histograms that differ in `labels`.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, MetricsError> {
        self.register(HistogramVec::new(self.histogram_options(name, help, buckets), labels))
    }

    /// Writes all metrics of the process, whichever view is asked.
    pub fn render(&self, format: Format) -> String {
        write(&self.gathered(), format)
    }

    pub(crate) fn gathered(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    /// Answers a scrape with its `Accept` header: the content type and the text.
    pub fn answer(&self, accept: Option<&str>) -> (&'static str, String) {
        let format = Format::negotiate(accept);
        (format.content_type(), self.render(format))
    }

    fn options(&self, name: &str, help: &str) -> Opts {
        Opts::new(name, help).const_labels(self.labels.clone())
    }

    fn histogram_options(&self, name: &str, help: &str, buckets: &[f64]) -> HistogramOpts {
        HistogramOpts { common_opts: self.options(name, help), buckets: buckets.to_vec() }
    }

    fn register<C>(&self, collector: prometheus::Result<C>) -> Result<C, MetricsError>
    where
        C: Collector + Clone + 'static,
    {
        let collector = collector?;
        match self.registry.register(Box::new(collector.clone())) {
            Ok(()) => {}
            Err(prometheus::Error::AlreadyReg) => {
                // A shard that starts again in this process counts anew.
                self.registry.unregister(Box::new(collector.clone()))?;
                self.registry.register(Box::new(collector.clone()))?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(collector)
    }
}

fn counter_name(name: &str) -> Result<(), MetricsError> {
    if name.ends_with("_total") { Ok(()) } else { Err(MetricsError::CounterName(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_share_a_family_and_differ_in_labels() {
        let process = Metrics::new();
        for (role, shard) in [("chat", Some("chat-0")), ("chat", Some("chat-1")), ("api", None)] {
            let counter =
                process.of_role(role, shard).counter("chatapp_requests_total", "Requests.").unwrap();
            counter.inc_by(role.len() as u64);
        }
        let expected = "# HELP chatapp_requests_total Requests.\n\
            # TYPE chatapp_requests_total counter\n\
            chatapp_requests_total{role=\"api\"} 3\n\
            chatapp_requests_total{role=\"chat\",shard=\"chat-0\"} 4\n\
            chatapp_requests_total{role=\"chat\",shard=\"chat-1\"} 4\n";
        assert_eq!(process.render(Format::Prometheus), expected);
    }

    #[test]
    fn a_shard_that_starts_again_counts_anew() {
        let metrics = Metrics::new().of_role("chat", Some("chat-0"));
        metrics.gauge("chatapp_connections", "Connections.").unwrap().set(7);
        metrics.gauge("chatapp_connections", "Connections.").unwrap().set(1);
        let text = metrics.render(Format::Prometheus);
        assert!(text.ends_with("chatapp_connections{role=\"chat\",shard=\"chat-0\"} 1\n"), "{text}");
        assert!(
            metrics.of_role("chat", Some("chat-1")).gauge("chatapp_connections", "Other words.").is_err()
        );
    }

    #[test]
    fn names_are_checked() {
        let metrics = Metrics::new();
        assert!(matches!(
            metrics.counter("chatapp_requests", "Requests."),
            Err(MetricsError::CounterName(_))
        ));
        assert!(matches!(metrics.counters("a", "b", &[]), Err(MetricsError::CounterName(_))));
        assert!(metrics.gauge("not a name", "Nothing.").is_err());
        assert!(metrics.gauges("chatapp_gauge", "Nothing.", &["not a label"]).is_err());
    }

    #[test]
    fn the_process_shows_its_memory() {
        let metrics = Metrics::new();
        metrics.add_process().unwrap();
        assert!(metrics.add_process().is_err());
        assert!(metrics.render(Format::OpenMetrics).contains("# TYPE process_resident_memory_bytes gauge\n"));
    }

    #[test]
    fn buckets_rise() {
        assert!(DURATION_BUCKETS.is_sorted() && SIZE_BUCKETS.is_sorted());
    }
}
