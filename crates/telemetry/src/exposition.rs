//! Writes metrics as Prometheus text 0.0.4 or OpenMetrics 1.0, which differ in a few places only.

use std::fmt::{self, Write};

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use crate::Format;

/// Writes `families`, each of another name.
pub(crate) fn write(families: &[MetricFamily], format: Format) -> String {
    let mut text = String::new();
    for family in families {
        write_family(&mut text, family, format);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn write_family(text: &mut String, family: &MetricFamily, format: Format) {
    let kind = family.get_field_type();
    let name = match (format, kind) {
        // Here a counter's family is called without the suffix that its samples have.
        (Format::OpenMetrics, MetricType::COUNTER) => {
            family.name().strip_suffix("_total").unwrap_or(family.name())
        }
        _ => family.name(),
    };
    let help = Escaped { text: family.help(), quotes: format == Format::OpenMetrics };
    push(text, format_args!("# HELP {name} {help}\n"));
    push(text, format_args!("# TYPE {name} {}\n", kind_name(kind, format)));
    let total = if name.len() < family.name().len() { "_total" } else { "" };
    for metric in family.get_metric() {
        let labels = metric.get_label();
        match kind {
            MetricType::COUNTER => sample(text, name, total, labels, None, metric.get_counter().get_value()),
            MetricType::GAUGE => sample(text, name, "", labels, None, metric.get_gauge().get_value()),
            MetricType::HISTOGRAM => write_histogram(text, name, metric, format),
            // Nobody can register one here.
            MetricType::SUMMARY | MetricType::UNTYPED => {}
        }
    }
}

fn kind_name(kind: MetricType, format: Format) -> &'static str {
    match kind {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY => "summary",
        MetricType::UNTYPED if format == Format::OpenMetrics => "unknown",
        MetricType::UNTYPED => "untyped",
    }
}

#[expect(clippy::cast_precision_loss, reason = "both formats write counts as floats")]
fn write_histogram(text: &mut String, name: &str, metric: &Metric, format: Format) {
    let (labels, histogram) = (metric.get_label(), metric.get_histogram());
    for bucket in histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite()) {
        let bound = bound(bucket.upper_bound(), format);
        sample(text, name, "_bucket", labels, Some(&bound), bucket.cumulative_count() as f64);
    }
    sample(text, name, "_bucket", labels, Some("+Inf"), histogram.get_sample_count() as f64);
    sample(text, name, "_sum", labels, None, histogram.get_sample_sum());
    sample(text, name, "_count", labels, None, histogram.get_sample_count() as f64);
}

fn sample(text: &mut String, name: &str, suffix: &str, labels: &[LabelPair], le: Option<&str>, value: f64) {
    push(text, format_args!("{name}{suffix}"));
    let given = labels.iter().map(|label| (label.name(), label.value()));
    let written = given.chain(le.map(|bound| ("le", bound))).filter(|(_, value)| !value.is_empty());
    let mut separator = '{';
    for (label, value) in written {
        push(text, format_args!("{separator}{label}=\"{}\"", Escaped { text: value, quotes: true }));
        separator = ',';
    }
    let end = if separator == ',' { "}" } else { "" };
    push(text, format_args!("{end} {}\n", number(value)));
}

fn push(text: &mut String, arguments: fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = text.write_fmt(arguments);
}

/// A text whose line ends and backslashes (and quotes) are escaped, as both formats want it.
struct Escaped<'a> {
    text: &'a str,
    quotes: bool,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.text.chars() {
            match character {
                '\\' => formatter.write_str(r"\\")?,
                '\n' => formatter.write_str(r"\n")?,
                '"' if self.quotes => formatter.write_str("\\\"")?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

/// Writes a bucket's bound; OpenMetrics wants it as Go's `%g` does, with `.0` where neither point nor exponent is.
fn bound(value: f64, format: Format) -> String {
    if format == Format::Prometheus {
        return number(value);
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Metrics;

    fn metrics() -> Metrics {
        let metrics = Metrics::new();
        let requests =
            metrics.counters("requests_total", "All \"requests\".\nSo far: \\o/", &["route"]).unwrap();
        requests.with_label_values(&["/a\"\\\n"]).inc();
        metrics.gauge("connections", "Open connections.").unwrap().set(-7);
        metrics.ratio("load", "Load.").unwrap().set(0.5);
        let duration = metrics.histogram("duration_seconds", "Duration.", &[0.000_025, 0.5, 1.0]).unwrap();
        duration.observe(0.5);
        duration.observe(3.0);
        metrics
    }

    #[test]
    fn prometheus_text() {
        let expected = "# HELP connections Open connections.\n\
            # TYPE connections gauge\n\
            connections -7\n\
            # HELP duration_seconds Duration.\n\
            # TYPE duration_seconds histogram\n\
            duration_seconds_bucket{le=\"0.000025\"} 0\n\
            duration_seconds_bucket{le=\"0.5\"} 1\n\
            duration_seconds_bucket{le=\"1\"} 1\n\
            duration_seconds_bucket{le=\"+Inf\"} 2\n\
            duration_seconds_sum 3.5\n\
            duration_seconds_count 2\n\
            # HELP load Load.\n\
            # TYPE load gauge\n\
            load 0.5\n\
            # HELP requests_total All \"requests\".\\nSo far: \\\\o/\n\
            # TYPE requests_total counter\n\
            requests_total{route=\"/a\\\"\\\\\\n\"} 1\n";
        assert_eq!(metrics().render(Format::Prometheus), expected);
    }

    #[test]
    fn open_metrics() {
        let expected = "# HELP connections Open connections.\n\
            # TYPE connections gauge\n\
            connections -7\n\
            # HELP duration_seconds Duration.\n\
            # TYPE duration_seconds histogram\n\
            duration_seconds_bucket{le=\"2.5e-05\"} 0\n\
            duration_seconds_bucket{le=\"0.5\"} 1\n\
            duration_seconds_bucket{le=\"1.0\"} 1\n\
            duration_seconds_bucket{le=\"+Inf\"} 2\n\
            duration_seconds_sum 3.5\n\
            duration_seconds_count 2\n\
            # HELP load Load.\n\
            # TYPE load gauge\n\
            load 0.5\n\
            # HELP requests All \\\"requests\\\".\\nSo far: \\\\o/\n\
            # TYPE requests counter\n\
            requests_total{route=\"/a\\\"\\\\\\n\"} 1\n\
            # EOF\n";
        assert_eq!(metrics().render(Format::OpenMetrics), expected);
    }

    #[test]
    fn the_prometheus_text_is_what_the_library_writes() {
        let metrics = metrics();
        let families = metrics.gathered();
        let written = prometheus::TextEncoder::new().encode_to_string(&families).unwrap();
        assert_eq!(write(&families, Format::Prometheus), written);
    }

    #[test]
    fn odd_numbers_have_names() {
        assert_eq!([f64::NAN, f64::INFINITY, -f64::INFINITY].map(number), ["NaN", "+Inf", "-Inf"]);
        let bounds = [0.0, 1e-5, 0.0001, 10.0, 1e21, -2.5e-6].map(|value| bound(value, Format::OpenMetrics));
        assert_eq!(bounds, ["0.0", "1e-05", "0.0001", "10.0", "1e+21", "-2.5e-06"]);
    }

    proptest! {
        #[test]
        fn a_bound_is_read_as_what_it_was(value: f64) {
            prop_assume!(value.is_finite());
            for format in [Format::Prometheus, Format::OpenMetrics] {
                prop_assert_eq!(bound(value, format).parse(), Ok(value));
            }
        }

        #[test]
        fn a_label_stays_on_its_line(value in any::<String>()) {
            let metrics = Metrics::new();
            metrics.counters("a_total", "b", &["c"]).unwrap().with_label_values(&[value]).inc();
            prop_assert_eq!(metrics.render(Format::OpenMetrics).lines().count(), 4);
        }
    }
}
