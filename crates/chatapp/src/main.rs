//! The program: one executable, and a command for each role.

use std::process::ExitCode;
use std::time::Duration;

use chatapp::cli;
use chatapp::cluster::Cluster;
use chatapp::configuration::{Configuration, Flags, load};
use chatapp::lifecycle::Lifecycle;
use chatapp::roles::Role;
use clap::{Args, Command, FromArgMatches};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The exit code of a wrong configuration or command line (EX_USAGE of sysexits.h).
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let matches = command().get_matches();
    let Some((name, arguments)) = matches.subcommand() else { return ExitCode::from(USAGE) };
    // One source of cryptography for the whole process, whatever a library would choose.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if name == "cli" {
        return match cli::Args::from_arg_matches(arguments) {
            Ok(arguments) => ended(run(cli::run(arguments))),
            Err(error) => error.exit(),
        };
    }
    let configuration = match load(&Flags::of(arguments)) {
        Ok(configuration) => configuration,
        Err(error) => return refused(&error),
    };
    match name {
        "config" => match configuration.shown() {
            Ok(shown) => {
                out(&shown);
                ExitCode::SUCCESS
            }
            Err(error) => refused(&error),
        },
        "all" => run(all(configuration)).unwrap_or_else(|error| failed(&error)),
        name => {
            let Some(role) = Role::ALL.into_iter().find(|role| role.name() == name) else {
                return ExitCode::from(USAGE);
            };
            match role.check(&configuration) {
                Err(error) => refused(&error),
                Ok(()) => run(role.run(configuration)).unwrap_or_else(|error| failed(&error)),
            }
        }
    }
}

fn command() -> Command {
    let all = Flags::add_to(Command::new("all").about("every role in this process, over the embedded store"));
    let config =
        Flags::add_to(Command::new("config").about("print the configuration in force, secrets hidden"));
    let cli = cli::Args::augment_args(Command::new("cli")).about("sign up, log in and chat from a terminal");
    let roles = Role::ALL.iter().map(|role| Flags::add_to(Command::new(role.name()).about(role.about())));
    Command::new("chatapp")
        .about("A real-time chat cluster")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(all)
        .subcommands(roles)
        .subcommand(config)
        .subcommand(cli)
}

async fn all(configuration: Configuration) -> anyhow::Result<ExitCode> {
    start_logging(&configuration)?;
    let drain = Duration::from_secs(configuration.drain_seconds);
    let cluster = Cluster::start(configuration).await?;
    tracing::info!(
        public = %format!("http://{}", cluster.public_address()),
        operators = %format!("http://{}", cluster.operator_address()),
        "ready"
    );
    Ok(Lifecycle::default().run(drain, cluster.stop()).await?)
}

fn start_logging(configuration: &Configuration) -> anyhow::Result<()> {
    Ok(telemetry::init_logging(configuration.log_format.parse()?, &configuration.log_filter)?)
}

/// Runs a command on a runtime of its own.
fn run<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // Whatever still runs was given up by the command.
    runtime.shutdown_background();
    result
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    result.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    complain(&format!("{error:#}"));
    ExitCode::FAILURE
}

fn refused(error: &dyn std::error::Error) -> ExitCode {
    complain(&error.to_string());
    ExitCode::from(USAGE)
}

#[expect(clippy::print_stderr, reason = "for whoever started the program")]
fn complain(message: &str) {
    eprintln!("chatapp: {message}");
}

#[expect(clippy::print_stdout, reason = "what was asked for")]
fn out(text: &str) {
    print!("{text}");
}
