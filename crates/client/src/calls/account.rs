//! The account: profile, password, where it belongs.

use protocol::account::{ChangePassword, Page, Servers, Ticket, UpdateProfile, User};
use protocol::{ErrorCode, Username};

use super::{Call, PageOf};
use crate::{Error, Session};

impl Session {
    /// Ends the login, here and at the server; its sockets are closed.
    ///
    /// # Errors
    /// The server cannot be reached. A login that had ended before is no error.
    pub async fn log_out(&self) -> Result<(), Error> {
        match self.run(&Call::post(["api", "logout"])).await {
            Err(error)
                if !(error.is(ErrorCode::Unauthenticated) || error.is(ErrorCode::InvalidRefreshToken)) =>
            {
                Err(error)
            }
            _ => self.forget(),
        }
    }

    /// Gives the user's own profile.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn profile(&self) -> Result<User, Error> {
        self.ask(&Call::get(["api", "profile"])).await
    }

    /// Changes the user's own profile.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_profile(&self, update: &UpdateProfile) -> Result<User, Error> {
        self.ask(&Call::patch(["api", "profile"]).json(update)).await
    }

    /// Deletes the account.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_account(&self) -> Result<(), Error> {
        self.run(&Call::delete(["api", "profile"])).await?;
        self.forget()
    }

    /// Changes the password; all other logins end.
    ///
    /// # Errors
    /// The server refuses with `invalid_credentials` or `weak_password`.
    pub async fn change_password(&self, change: &ChangePassword) -> Result<(), Error> {
        self.run(&Call::put(["api", "profile", "password"]).json(change)).await
    }

    /// Gives a user's public profile.
    ///
    /// # Errors
    /// The server refuses with `user_not_found`.
    pub async fn user(&self, username: &Username) -> Result<User, Error> {
        self.ask(&Call::get(["api", "users", username.as_str()])).await
    }

    /// Looks for users.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn find_users(&self, query: &str, page: &PageOf) -> Result<Page<User>, Error> {
        self.ask(&Call::get(["api", "users"]).query("query", query).page(page)).await
    }

    /// Asks where the user belongs now; [`Session::servers`] gives the last answer from then on.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask_servers(&self) -> Result<Servers, Error> {
        let servers: Servers = self.ask(&Call::get(["api", "servers"])).await?;
        self.moved(servers.clone());
        Ok(servers)
    }

    /// Gets a ticket that opens one socket once.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ticket(&self) -> Result<Ticket, Error> {
        self.ask(&Call::post(["api", "ticket"])).await
    }
}
