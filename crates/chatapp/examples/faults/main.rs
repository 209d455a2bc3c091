//! People chat over a real cluster while things go wrong, and nothing that was promised is broken.
//!
//! `cargo run --release -p chatapp --example faults -- [--minutes 10] [--faults 60] [--people 24] [--seed 1] [--report PATH]`, or with `--gaps` the
//! times in which nobody can write; see `docs/faults.md`.
#![expect(clippy::print_stdout, reason = "its results are for whoever started it")]

mod checker;
mod cluster;
mod faults;
mod gaps;
mod network;
mod people;
mod processes;
mod pushes;
mod report;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use faults::Fault;

/// People chat over a real cluster while things go wrong.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long they chat at least.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// How many faults there are at least.
    #[arg(long, default_value_t = 60)]
    faults: usize,
    /// How many people chat; one more in eight is never connected.
    #[arg(long, default_value_t = 24)]
    people: usize,
    /// How long each waits after an ack on average, in milliseconds.
    #[arg(long, default_value_t = 600)]
    pause: u64,
    /// Decides on the order of the faults and what people do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lets everybody write in all their conversations first, so that none is made while something goes wrong.
    #[arg(long)]
    settled: bool,
    /// Only faults of this kind, as the report names them, with dashes; may be repeated.
    #[arg(long)]
    only: Vec<Fault>,
    /// Measures the times in which nobody can write: so many kills of a master, and half as many planned failovers.
    #[arg(long, num_args = 0..=1, default_missing_value = "20")]
    gaps: Option<usize>,
    /// Where the report goes.
    #[arg(long, default_value = "target/faults/report.md")]
    report: PathBuf,
    /// Where data and logs go; a new folder every time without it.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The program; the one built beside this.
    #[arg(long)]
    program: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let left_out = if network::is_own() { None } else { network::enter().err() };
    let runtime = tokio::runtime::Runtime::new()?;
    let kept = runtime.block_on(run::run(&arguments, left_out))?;
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    /// Gives the program that is tried.
    fn program(&self) -> Result<PathBuf> {
        if let Some(program) = &self.program {
            return Ok(program.clone());
        }
        let this = std::env::current_exe()?;
        Ok(this.parent().and_then(std::path::Path::parent).context("no folder")?.join("chatapp"))
    }
}
