//! Makes guessing the password of one account slow, whether the account exists or not.

use std::num::NonZero;
use std::time::Duration;

use auth::{Attempt, LoginThrottle};
use lru::LruCache;
use parking_lot::Mutex;
use ports::Account;
use protocol::{ErrorCode, Username};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::failure::{Answer, Failure};

/// Of how many names the failures are kept in memory; of accounts they are stored as well.
const NAMES: NonZero<usize> = NonZero::new(50_000).unwrap();

/// As much of a name is kept as a username can have.
const NAME_BYTES: usize = 32;

/// The failures of late, by name.
pub(crate) struct Guesses {
    recent: Mutex<LruCache<Box<str>, LoginThrottle>>,
}

/// A password that is being tried. It counts as wrong until it is told to be right.
pub(crate) struct Guess {
    name: Box<str>,
    username: Option<Username>,
    before: LoginThrottle,
    /// Writes the failure down, beside the comparison of the password, so that it takes no time of its own: the time of an
    /// answer must not tell whether there is an account.
    written: JoinHandle<()>,
}

impl Guesses {
    /// Makes an empty memory.
    pub(crate) fn new() -> Self {
        Self { recent: Mutex::new(LruCache::new(NAMES)) }
    }

    /// Counts a failure in advance, so that many guesses at once do not all pass, or says how long to wait.
    fn begin(
        &self,
        name: &str,
        stored: LoginThrottle,
        now: protocol::Timestamp,
    ) -> Answer<(LoginThrottle, LoginThrottle)> {
        let mut recent = self.recent.lock();
        let remembered = recent.get(name).copied().unwrap_or_default();
        // What this process has not yet written, or what others wrote since: the later one.
        let before = if remembered.forgotten_at() > stored.forgotten_at() { remembered } else { stored };
        if let Attempt::Wait(milliseconds) = before.attempt(now) {
            return Err(Failure::retry(ErrorCode::TooManyAttempts, Duration::from_millis(milliseconds)));
        }
        let failed = before.failed(now);
        recent.put(name.into(), failed);
        Ok((before, failed))
    }

    fn replace(&self, name: &str, throttle: LoginThrottle) {
        let mut recent = self.recent.lock();
        if throttle == LoginThrottle::default() {
            recent.pop(name);
        } else {
            recent.put(name.into(), throttle);
        }
    }
}

impl Api {
    /// Begins to try a password for a name.
    pub(crate) fn guess(&self, name: &str, account: Option<&Account>) -> Answer<Guess> {
        let username = Username::new(name).ok();
        let name: Box<str> = match &username {
            Some(username) => username.as_str().into(),
            None => name.to_lowercase().chars().take(NAME_BYTES).collect::<String>().into(),
        };
        let stored = account.and_then(|account| serde_json::from_slice(&account.throttle).ok());
        let (before, failed) = self.guesses.begin(&name, stored.unwrap_or_default(), self.clock.now())?;
        let (store, writer) = (self.store.clone(), username.clone());
        let written = self.tasks.spawn(async move {
            if let Some(username) = writer {
                write(store.as_ref(), &username, failed).await;
            }
        });
        Ok(Guess { name, username, before, written })
    }
}

impl Guess {
    /// The password was right: earlier failures are forgotten.
    pub(crate) async fn right(self, api: &Api) {
        let forgotten = self.before.succeeded();
        self.settle(api, forgotten).await;
    }

    /// The password was not looked at: it is as if nothing had happened.
    pub(crate) async fn undone(self, api: &Api) {
        let before = self.before;
        self.settle(api, before).await;
    }

    async fn settle(self, api: &Api, throttle: LoginThrottle) {
        api.guesses.replace(&self.name, throttle);
        // After the failure was written, else that would be the last word.
        let _ = self.written.await;
        if let Some(username) = &self.username {
            write(api.store.as_ref(), username, throttle).await;
        }
    }
}

async fn write(store: &dyn ports::Store, username: &Username, throttle: LoginThrottle) {
    let stored = serde_json::to_vec(&throttle).unwrap_or_default();
    if let Err(error) = store.set_throttle(username, stored).await {
        tracing::warn!(%error, "failed log-ins were not noted");
    }
}
