//! A login: its tokens, kept fresh.

mod file;
mod saved;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::account::{LogIn, LoggedIn, Secret, Servers, User};
use protocol::{ErrorCode, Username};
use serde::de::DeserializeOwned;
use tokio_util::task::TaskTracker;

pub use self::file::SessionFile;
pub use self::saved::SavedSession;
use crate::calls::Call;
use crate::core::End;
use crate::{Error, Http, clock, random};

/// A login; cheap to clone, all clones share its tokens.
///
/// The token is exchanged for a fresh one before it expires, by one call at a time, and a call that is refused because
/// of its token is made once more with a fresh one. With a [`SessionFile`] several processes can share a login.
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    http: Http,
    saved: Mutex<SavedSession>,
    file: Option<SessionFile>,
    /// Held while the token is exchanged: the key of an exchange whose answer was lost, to be repeated under that key.
    exchange: tokio::sync::Mutex<Option<String>>,
    /// Runs exchanges to their end even if whoever asked goes away: a refresh token works once.
    exchanges: TaskTracker,
}

impl Session {
    /// Logs in.
    ///
    /// # Errors
    /// The server refuses with `invalid_credentials` or `too_many_attempts`.
    pub async fn log_in(http: &Http, login: &LogIn) -> Result<Self, Error> {
        let answer: LoggedIn = http.ask(&Call::post(["api", "login"]).json(login), None).await?;
        Ok(Self::restore(http, SavedSession::new(http.address(), answer, clock::now())))
    }

    /// Goes on with a login that was saved.
    pub fn restore(http: &Http, saved: SavedSession) -> Self {
        Self::with(http.clone(), saved, None)
    }

    /// Goes on with the login in a file, if there is one, and keeps the file up to date.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be read, [`Error::InvalidAddress`] if it names no server.
    pub fn open(file: SessionFile) -> Result<Option<Self>, Error> {
        let Some(saved) = file.load()? else { return Ok(None) };
        let http = Http::new(&saved.server)?;
        Ok(Some(Self::with(http, saved, Some(file))))
    }

    /// Keeps this login in a file from now on.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written.
    pub fn keep_in(self, file: SessionFile) -> Result<Self, Error> {
        let saved = self.saved();
        file.save(&saved)?;
        Ok(Self::with(self.shared.http.clone(), saved, Some(file)))
    }

    /// Gives what [`Session::restore`] needs to go on; it holds secrets.
    pub fn saved(&self) -> SavedSession {
        self.lock().clone()
    }

    /// Gives the user's name.
    pub fn username(&self) -> Username {
        self.lock().user.username.clone()
    }

    /// Gives the user as of the login.
    pub fn user_at_login(&self) -> User {
        self.lock().user.clone()
    }

    /// Gives where the user belonged when the server said so last.
    pub fn servers(&self) -> Servers {
        self.lock().servers.clone()
    }

    /// Gives the server.
    pub fn http(&self) -> &Http {
        &self.shared.http
    }

    /// Gives a token that holds for a while.
    ///
    /// # Errors
    /// The login has ended. A server that cannot be reached is no error: then the token is given as it is.
    pub async fn token(&self) -> Result<Secret, Error> {
        let (token, is_stale) = {
            let saved = self.lock();
            (saved.token.clone(), clock::now() >= saved.refresh_at)
        };
        if !is_stale {
            return Ok(token);
        }
        match self.exchange(&token).await {
            Err(error) if error.status() != Some(401) => {
                tracing::warn!(%error, "the token cannot be refreshed now");
                Ok(token)
            }
            fresh => fresh,
        }
    }

    /// Gives another token than `refused`, which a server did not take.
    ///
    /// # Errors
    /// The login has ended, or the server cannot be reached.
    pub async fn exchange(&self, refused: &Secret) -> Result<Secret, Error> {
        let (session, refused) = (self.clone(), refused.clone());
        let exchange = async move { session.exchange_once(&refused).await };
        let ended = |_| Error::Ended(End::Closed);
        self.shared.exchanges.spawn(exchange).await.map_err(ended)?
    }

    /// Makes a call and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer).map_err(|error| Error::Unreadable(error.to_string()))
    }

    /// Makes a call whose answer says nothing.
    pub(crate) async fn run(&self, call: &Call) -> Result<(), Error> {
        self.send(call).await.map(drop)
    }

    /// Takes note of where the user belongs.
    pub(crate) fn moved(&self, servers: Servers) {
        self.lock().servers = servers;
    }

    /// Forgets the file: the login has ended.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        match &self.shared.file {
            Some(file) => Ok(file.delete()?),
            None => Ok(()),
        }
    }

    fn with(http: Http, saved: SavedSession, file: Option<SessionFile>) -> Self {
        let shared = Shared {
            http,
            saved: Mutex::new(saved),
            file,
            exchange: tokio::sync::Mutex::default(),
            exchanges: TaskTracker::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    async fn send(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let token = self.token().await?;
        match self.shared.http.send(call, Some(&token)).await {
            // Another 401 is about the call, such as a wrong password, and not about the token.
            Err(error) if error.is(ErrorCode::Unauthenticated) => {
                let token = self.exchange(&token).await?;
                self.shared.http.send(call, Some(&token)).await
            }
            answer => answer,
        }
    }

    async fn exchange_once(&self, refused: &Secret) -> Result<Secret, Error> {
        let mut pending = self.shared.exchange.lock().await;
        if let Some(token) = self.other_than(refused) {
            return Ok(token);
        }
        // Another process that shares the login may have exchanged the token meanwhile: its refresh token works, ours does not.
        let _lock = match self.shared.file.clone() {
            Some(file) => {
                let (lock, saved) = unblock(move || Ok((file.lock()?, file.load()?))).await?;
                if let Some(saved) = saved {
                    *self.lock() = saved;
                }
                Some(lock)
            }
            None => None,
        };
        if let Some(token) = self.other_than(refused) {
            return Ok(token);
        }
        let refresh_token = self.lock().refresh_token.clone();
        let key = pending.get_or_insert_with(random::unique).clone();
        let answer = self.shared.http.refresh(refresh_token, key).await;
        // Without an answer nobody knows whether the refresh token was used: only the same key may repeat it.
        if answer.is_ok() || answer.as_ref().is_err_and(|error| error.status() == Some(401)) {
            *pending = None;
        }
        let saved = SavedSession::new(self.shared.http.address(), answer?, clock::now());
        *self.lock() = saved.clone();
        let token = saved.token.clone();
        if let Some(file) = self.shared.file.clone() {
            unblock(move || file.save(&saved)).await?;
        }
        Ok(token)
    }

    fn other_than(&self, refused: &Secret) -> Option<Secret> {
        let saved = self.lock();
        (saved.token.expose() != refused.expose()).then(|| saved.token.clone())
    }

    fn lock(&self) -> MutexGuard<'_, SavedSession> {
        self.shared.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does file work where it keeps nobody waiting.
async fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| Error::Ended(End::Closed))?;
    Ok(done?)
}
