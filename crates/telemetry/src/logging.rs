//! Log lines on the standard error stream.

use std::io::{self, IsTerminal};
use std::panic;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, in colour if they look.
    #[default]
    Pretty,
    /// One JSON object a line, for machines.
    Json,
}

/// Says why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The format's name is not known.
    #[error("log format {0:?} is neither pretty nor json")]
    Format(String),
    /// The filter cannot be read.
    #[error("log filter cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// It has begun before.
    #[error("logging is set up already")]
    AlreadySet,
}

impl FromStr for LogFormat {
    type Err = LoggingError;
    fn from_str(name: &str) -> Result<Self, LoggingError> {
        match name {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            other => Err(LoggingError::Format(other.to_owned())),
        }
    }
}

/// Begins to log what `filter` lets through (such as `info,chat=debug`), panics too.
///
/// # Errors
/// The filter cannot be read, or logging has begun before.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    subscriber(format, filter, io::stderr, io::stderr().is_terminal())?
        .try_init()
        .map_err(|_| LoggingError::AlreadySet)?;
    // The standard hook writes lines of its own, which are no JSON and pass no filter.
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
    colour: bool,
) -> Result<impl SubscriberInitExt, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(colour && format == LogFormat::Pretty);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Pretty => lines.with_filter(EnvFilter::try_new(filter)?).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_filter(EnvFilter::try_new(filter)?)
            .boxed(),
    };
    Ok(tracing_subscriber::registry().with(layer))
}

fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let reason = info.payload_as_str().unwrap_or("unknown");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(reason, location, "a thread panicked");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::Dispatch;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Logs a few lines and gives what came out.
    fn logged(format: LogFormat, filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let dispatch: Dispatch = subscriber(format, filter, move || writer.clone(), false).unwrap().into();
        tracing::dispatcher::with_default(&dispatch, || {
            let _span = tracing::info_span!("request", id = 7).entered();
            tracing::info!(status = 200, "request answered");
            tracing::debug!("a detail");
            tracing::info!(target: "noisy", "chatter");
        });
        let text = lines.0.lock().unwrap().clone();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn json_is_an_object_a_line() {
        let text = logged(LogFormat::Json, "info");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["message"], &lines[0]["status"]), (&"request answered".into(), &200.into()));
        assert_eq!((&lines[0]["level"], &lines[0]["span"]["id"]), (&"INFO".into(), &7.into()));
    }

    #[test]
    fn pretty_is_for_people() {
        let text = logged(LogFormat::Pretty, "info");
        assert!(
            text.contains("INFO request{id=7}") && text.contains("request answered status=200"),
            "{text}"
        );
    }

    #[test]
    fn the_filter_decides() {
        assert!(!logged(LogFormat::Pretty, "info").contains("a detail"));
        assert!(logged(LogFormat::Pretty, "debug").contains("a detail"));
        assert!(!logged(LogFormat::Pretty, "debug,noisy=off").contains("chatter"));
        assert!(matches!(init_logging(LogFormat::Json, "telemetry=loud"), Err(LoggingError::Filter(_))));
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("json".parse::<LogFormat>().unwrap(), LogFormat::Json);
        assert_eq!("pretty".parse::<LogFormat>().unwrap(), LogFormat::Pretty);
        assert!("xml".parse::<LogFormat>().is_err());
    }
}
