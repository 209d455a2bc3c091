//! Signing up, logging in and out.

use anyhow::Result;
use client::{Http, Session, SessionFile};
use protocol::account::{LogIn, Secret, SignUp};

use super::{password, plain, terminal};

/// What the server shows of this login among the user's devices.
const DEVICE: &str = "chatapp cli";

/// Makes an account and logs in.
pub(super) async fn sign_up(
    server: &str,
    file: SessionFile,
    username: String,
    display_name: Option<String>,
) -> Result<()> {
    let http = Http::new(server)?;
    let password = password::ask_twice()?;
    let account = SignUp { username, password: password.clone(), display_name };
    let user = http.sign_up(&account).await?;
    enter(&http, file, user.username.to_string(), password).await
}

/// Logs in.
pub(super) async fn log_in(server: &str, file: SessionFile, username: String) -> Result<()> {
    let http = Http::new(server)?;
    let password = password::ask("Password: ")?;
    enter(&http, file, username, password).await
}

/// Ends the login.
pub(super) async fn log_out(session: &Session) -> Result<()> {
    session.log_out().await?;
    Ok(terminal::line("logged out")?)
}

/// Says who is logged in, as the server sees it.
pub(super) async fn who_am_i(session: &Session) -> Result<()> {
    let user = session.profile().await?;
    let name = plain::line(&user.display_name);
    Ok(terminal::line(&format!("{} ({name}) at {}", user.username, session.http().address()))?)
}

async fn enter(http: &Http, file: SessionFile, username: String, password: Secret) -> Result<()> {
    let login = LogIn { username, password, device: Some(DEVICE.to_owned()) };
    let session = Session::log_in(http, &login).await?.keep_in(file)?;
    Ok(terminal::line(&format!("logged in as {}", session.username()))?)
}
