//! The process of a node.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};
use crate::node::Node;

/// The process of a node, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Process {
    child: Option<Child>,
    paused: bool,
}

impl Process {
    /// Starts the server of a node, gives its process id.
    pub(crate) fn start(&mut self, program: &Path, node: &Node) -> Result<u32> {
        let log = File::options().create(true).append(true).open(node.log())?;
        // A process group of its own: what a terminal interrupts is the lab, which then ends its servers in order.
        let child = Command::new(program)
            .arg(node.configuration())
            .current_dir(node.folder())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Program { program: program.to_owned(), source })?;
        let id = child.id();
        *self = Self { child: Some(child), paused: false };
        Ok(id)
    }

    /// Tells whether there is a process that runs: neither dead nor paused.
    pub(crate) fn runs(&self) -> bool {
        self.child.is_some() && !self.paused
    }

    /// Fails if the process ended by itself.
    pub(crate) fn check(&mut self, node: &Node) -> Result<()> {
        let Some(child) = &mut self.child else { return Err(Error::NotRunning(node.index())) };
        if child.try_wait()?.is_none() {
            return Ok(());
        }
        self.child = None;
        Err(Error::Ended { node: node.index(), log: last_lines(&node.log(), 12) })
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.paused = false;
        child.kill()?;
        child.wait().map(drop)
    }

    /// Asks it to end; [`Process::wait`] tells when it did.
    pub(crate) fn terminate(&mut self) -> io::Result<()> {
        self.resume()?;
        self.signal(Signal::TERM)
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> io::Result<()> {
        self.child.take().map_or(Ok(()), |mut child| child.wait().map(drop))
    }

    /// Pauses it as a stalled machine would.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        self.paused = self.child.is_some();
        Ok(())
    }

    /// Lets it go on.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        self.paused = false;
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(process) = self.child.as_ref().and_then(|child| Pid::from_raw(child.id().cast_signed()))
        else {
            return Ok(());
        };
        Ok(kill_process(process, signal)?)
    }
}

fn last_lines(file: &Path, count: usize) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
