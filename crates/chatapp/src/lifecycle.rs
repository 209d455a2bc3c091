//! How the program ends: a signal drains, a second one or a bound aborts.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long the end may take beyond the drain.
const GRACE: Duration = Duration::from_secs(15);

/// Ends the program in order: `soft` is cancelled by the first signal, and then the end must come within a bound.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
}

impl Lifecycle {
    /// Gives the token that is cancelled when the program is to end.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Waits for SIGTERM or SIGINT, then runs `end`, which drains and stops everything; a second signal or `drain` and a grace later it is given up.
    ///
    /// # Errors
    /// Signals cannot be watched.
    pub async fn run(self, drain: Duration, end: impl Future<Output = ()>) -> std::io::Result<ExitCode> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.soft.cancelled() => {}
        }
        tracing::info!("ends; a second signal ends at once");
        self.soft.cancel();
        tokio::select! {
            () = end => {
                tracing::info!("ended");
                Ok(ExitCode::SUCCESS)
            }
            _ = terminate.recv() => Ok(aborted("a second signal came")),
            _ = interrupt.recv() => Ok(aborted("a second signal came")),
            () = tokio::time::sleep(drain + GRACE) => Ok(aborted("the end took too long")),
        }
    }
}

fn aborted(reason: &str) -> ExitCode {
    tracing::error!(reason, "aborted");
    ExitCode::FAILURE
}
