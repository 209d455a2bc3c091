//! Starts a Redis Cluster on this machine and keeps it until it is told to end.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use redis_lab::{Lab, Options, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Starts a Redis Cluster on this machine and keeps it until SIGINT or SIGTERM.
///
/// The urls of its nodes are printed, and written to `urls` in the folder, once it is ready.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the data is; a cluster that was here before comes back.
    #[arg(long, default_value = "data/cluster")]
    folder: PathBuf,
    /// How many masters.
    #[arg(long, default_value_t = 3)]
    masters: usize,
    /// How many replicas each of them has.
    #[arg(long, default_value_t = 1)]
    replicas: usize,
    /// The server program: redis-server, valkey-server, or a path.
    #[arg(long, default_value = "redis-server")]
    server: PathBuf,
    /// After how many milliseconds of silence a node counts as failing.
    #[arg(long, default_value_t = 2000)]
    node_timeout: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "where a person looks")]
            {
                eprintln!("redis-lab: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // First, so that a signal while the cluster starts ends what has been started.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let urls = arguments.folder.join("urls");
    let ended = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::pin!(ended);
    let options = Options {
        masters: arguments.masters,
        replicas_per_master: arguments.replicas,
        server: arguments.server,
        node_timeout: Duration::from_millis(arguments.node_timeout),
        folder: Some(arguments.folder),
        ..Options::default()
    };
    let lab = tokio::select! {
        lab = Lab::start(options) => lab?,
        () = &mut ended => return Ok(()),
    };
    let text = lab.urls().join(",");
    fs::write(&urls, format!("{text}\n"))?;
    #[expect(clippy::print_stdout, reason = "its answer")]
    {
        println!("{text}");
    }
    ended.await;
    fs::remove_file(&urls)?;
    lab.shut_down().await
}
