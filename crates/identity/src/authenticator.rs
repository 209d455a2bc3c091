//! Checking credentials.

use std::sync::Arc;

use auth::Verifier;
use http::HeaderMap;
use http::header::ORIGIN;
use http_edge::Problem;
use ports::{Clock, Store};
use protocol::{ErrorCode, LoginId, Username};
use tokio::sync::watch;

use crate::Credentials;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: Username,
    /// The login.
    pub login: LoginId,
}

/// Says why somebody is not let in. Callers learn little more than that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are no credentials.
    #[error("credentials are missing")]
    Missing,
    /// The credentials do not hold.
    #[error("the token does not hold")]
    Invalid,
    /// There is a token in the URL.
    #[error("a token does not belong into a url")]
    TokenInUrl,
    /// The page that asks is not one of ours.
    #[error("the origin is not allowed")]
    Origin,
    /// Whether they hold cannot be found out.
    #[error("the login cannot be checked now")]
    Unavailable,
}

/// Checks who is asking.
#[derive(Clone)]
pub struct Authenticator {
    verifier: watch::Receiver<Arc<Verifier>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// The pages that may open sockets; all if there is none in the list.
    origins: Arc<[String]>,
}

impl Authenticator {
    /// Makes one; with `origins` only pages from these may open sockets, such as `https://chat.example.com`.
    pub fn new(
        verifier: watch::Receiver<Arc<Verifier>>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        origins: Vec<String>,
    ) -> Self {
        Self { verifier, store, clock, origins: origins.into() }
    }

    /// Gives the verifier in force.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.verifier.borrow().clone()
    }

    /// Checks a call.
    ///
    /// # Errors
    /// Its token is missing or does not hold, or its login has ended.
    pub async fn call(&self, headers: &HeaderMap) -> Result<Identity, Refusal> {
        let identity = self.verify(&Credentials::of_call(headers)?)?;
        self.check_login(identity).await
    }

    /// Checks a handshake, and uses its ticket up if it has one.
    ///
    /// # Errors
    /// As [`Authenticator::call`]; also if the ticket was used before, or the page's origin is not allowed.
    pub async fn socket(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Refusal> {
        self.check_origin(headers)?;
        let credentials = Credentials::of_socket(headers, query)?;
        let identity = self.check_login(self.verify(&credentials)?).await?;
        if let Credentials::Ticket(secret) = &credentials {
            let ticket =
                self.verifier().ticket(secret.expose(), self.clock.now()).map_err(|_| Refusal::Invalid)?;
            let first = self.store.redeem_ticket(ticket.id.0, ticket.forget_at).await.map_err(unavailable)?;
            if !first {
                return Err(Refusal::Invalid);
            }
        }
        Ok(identity)
    }

    /// Says who opens a socket, without using a ticket up: for whoever passes the handshake on.
    ///
    /// # Errors
    /// The credentials are missing or do not hold.
    pub fn peek(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Refusal> {
        self.verify(&Credentials::of_socket(headers, query)?)
    }

    fn verify(&self, credentials: &Credentials) -> Result<Identity, Refusal> {
        let (verifier, now) = (self.verifier(), self.clock.now());
        let identity = match credentials {
            Credentials::Token(token) => verifier
                .access(token.expose(), now)
                .map(|token| Identity { user: token.user, login: token.login }),
            Credentials::Ticket(ticket) => verifier
                .ticket(ticket.expose(), now)
                .map(|ticket| Identity { user: ticket.user, login: ticket.login }),
        };
        identity.map_err(|error| {
            tracing::debug!(%error, "credentials refused");
            Refusal::Invalid
        })
    }

    async fn check_login(&self, identity: Identity) -> Result<Identity, Refusal> {
        let login = self.store.login(identity.login).await.map_err(unavailable)?;
        match login {
            Some(login) if login.username == identity.user => Ok(identity),
            _ => Err(Refusal::Invalid),
        }
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let allowed =
            self.origins.is_empty() || self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
        if allowed { Ok(()) } else { Err(Refusal::Origin) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Missing | Refusal::Invalid | Refusal::TokenInUrl => ErrorCode::Unauthenticated,
            Refusal::Origin => ErrorCode::NotAllowed,
            Refusal::Unavailable => ErrorCode::Unavailable,
        };
        let problem = Self::new(code).with_detail(refusal.to_string());
        if refusal == Refusal::Unavailable { problem.with_retry_after_ms(1000) } else { problem }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unavailable(error: ports::Error) -> Refusal {
    tracing::warn!(%error, "cannot check a login");
    Refusal::Unavailable
}
