//! `chatapp cli`: a person at a terminal, or a script, as a user of a server.

mod account;
mod chat;
mod contacts;
mod conversations;
mod find;
mod password;
mod plain;
mod send;
mod terminal;
mod view;
mod watch;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use client::{Session, SessionFile};

/// The server if none is named.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// What `chatapp cli` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The server to sign up or log in at [default: http://127.0.0.1:8080].
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Where the login is kept [default: chatapp/session.json in the user's configuration folder].
    #[arg(long, global = true, value_name = "FILE")]
    session_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Make an account and log in; the password is asked for, or read from standard input.
    Signup {
        /// The name to be known by.
        username: String,
        /// The name as others see it.
        #[arg(long)]
        display_name: Option<String>,
    },
    /// Log in; the password is asked for, or read from standard input.
    Login {
        /// The name.
        username: String,
    },
    /// End the login.
    Logout,
    /// Say who is logged in, and where.
    Whoami,
    /// List the contacts, or add or remove one.
    Contacts {
        #[command(subcommand)]
        command: Option<contacts::Command>,
    },
    /// List the conversations.
    Conversations,
    /// Talk: shows the end of the history and what is written, and sends each line.
    Chat {
        /// A user's name, or a conversation's identifier.
        with: String,
    },
    /// Show which contacts come and go.
    Watch,
    /// Send one message and print its conversation and number.
    Send {
        /// A user's name, or a conversation's identifier.
        to: String,
        /// The text; without it standard input is sent.
        text: Option<String>,
        /// How many seconds to wait for the server.
        #[arg(long, default_value_t = 30)]
        timeout: u64,
    },
}

/// Runs a command.
///
/// # Errors
/// The server refuses or cannot be reached, or nobody is logged in.
pub async fn run(args: Args) -> Result<()> {
    // What a server says goes to a terminal as well.
    dispatch(args).await.map_err(|error| anyhow!(plain::line(&format!("{error:#}"))))
}

async fn dispatch(args: Args) -> Result<()> {
    let file = session_file(args.session_file)?;
    let server = args.server;
    match args.command {
        Command::Signup { username, display_name } => {
            account::sign_up(server.as_deref().unwrap_or(DEFAULT_SERVER), file, username, display_name).await
        }
        Command::Login { username } => {
            account::log_in(server.as_deref().unwrap_or(DEFAULT_SERVER), file, username).await
        }
        Command::Logout => account::log_out(&open(file, server.as_deref())?).await,
        Command::Whoami => account::who_am_i(&open(file, server.as_deref())?).await,
        Command::Contacts { command } => contacts::run(&open(file, server.as_deref())?, command).await,
        Command::Conversations => conversations::run(&open(file, server.as_deref())?).await,
        Command::Chat { with } => chat::run(&open(file, server.as_deref())?, &with).await,
        Command::Watch => watch::run(&open(file, server.as_deref())?).await,
        Command::Send { to, text, timeout } => {
            send::run(&open(file, server.as_deref())?, &to, text, timeout).await
        }
    }
}

/// Opens the login that is kept, which must be one at `server` if that was named.
fn open(file: SessionFile, server: Option<&str>) -> Result<Session> {
    let path = file.path().display().to_string();
    let session = Session::open(file)
        .with_context(|| path)?
        .context("nobody is logged in: use `chatapp cli login` first")?;
    let here = |address: &str| address.trim_end_matches('/').to_owned();
    let kept = here(session.http().address());
    match server {
        Some(server) if here(server) != kept => bail!("the login that is kept is one at {kept}"),
        _ => Ok(session),
    }
}

fn session_file(named: Option<PathBuf>) -> Result<SessionFile> {
    if let Some(path) = named {
        return Ok(SessionFile::new(path));
    }
    // The convention of the XDG base directory specification.
    let folder = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .context("there is no home folder: name a file by --session-file")?;
    Ok(SessionFile::new(folder.join("chatapp").join("session.json")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use clap::{Args as _, FromArgMatches};

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Args, clap::Error> {
        let command = Args::augment_args(clap::Command::new("cli"));
        Args::from_arg_matches(&command.try_get_matches_from(["cli"].iter().chain(arguments))?)
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::augment_args(clap::Command::new("cli")).debug_assert();
        let args = parse(&["send", "bob", "hello", "--session-file", "/tmp/x"]).unwrap();
        assert_eq!(args.session_file, Some(PathBuf::from("/tmp/x")));
        assert!(matches!(args.command, Command::Send { text: Some(text), .. } if text == "hello"));
        assert!(parse(&["contacts"]).is_ok() && parse(&["contacts", "add", "bob"]).is_ok());
        assert!(parse(&["chat"]).is_err() && parse(&[]).is_err());
    }

    #[test]
    fn who_is_not_logged_in_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(SessionFile::new(folder.path().join("none")), None).unwrap_err();
        assert!(error.to_string().contains("login"), "{error}");
    }
}
