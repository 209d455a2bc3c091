//! A role as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};

/// A role, and its process if it runs.
pub(crate) struct Role {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Where its log goes.
    pub(crate) log: PathBuf,
    /// Where it says whether it is ready.
    operators: String,
    child: Option<Child>,
}

/// What a process can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// To stand still, as a stalled machine does.
    Stop,
    /// To go on.
    Continue,
    /// To end in order.
    Terminate,
    /// To end at once.
    Kill,
}

impl Role {
    /// Takes how a role is started, without starting it.
    pub(crate) fn new(
        name: &str,
        program: &Path,
        arguments: &[&str],
        variables: &[(String, String)],
        folder: &Path,
        operators: &str,
    ) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            variables: variables.to_vec(),
            log: folder.join(format!("{name}.log")),
            operators: operators.to_owned(),
            child: None,
        }
    }

    /// Starts it, with a log that goes on.
    pub(crate) fn start(&mut self) -> Result<()> {
        ensure!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}: build it first", self.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Says whether it runs.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Signals it, and waits for its end if that is what it is told.
    pub(crate) async fn signal(&mut self, signal: Signal) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        let name = match signal {
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
            Signal::Terminate => "-TERM",
            Signal::Kill => "-KILL",
        };
        ensure!(child.try_wait()?.is_none(), "{} ended by itself: see {}", self.name, self.log.display());
        let told = Command::new("kill").args([name, &child.id().to_string()]).status()?;
        ensure!(told.success(), "{} cannot be signalled", self.name);
        if matches!(signal, Signal::Terminate | Signal::Kill) {
            while child.try_wait()?.is_none() {
                sleep(Duration::from_millis(20)).await;
            }
            self.child = None;
        }
        Ok(())
    }

    /// Waits until it is ready.
    pub(crate) async fn wait_until_ready(&mut self, patience: Duration) -> Result<()> {
        let (url, begun) = (format!("http://{}/healthz/ready", self.operators), Instant::now());
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        while !http.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
            let ended = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            ensure!(ended.is_none(), "{} ended by itself: see {}", self.name, self.log.display());
            ensure!(begun.elapsed() < patience, "{} is not ready: see {}", self.name, self.log.display());
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
