//! Signs tokens.

use jsonwebtoken::{EncodingKey, encode};
use protocol::{LoginId, Timestamp, Username};

use super::claims::{Claims, seconds, timestamp};
use super::{KeyError, KeyRing, MAX_TOKEN_BYTES, Realm, TokenId, TokenKind};

/// How long tokens live, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of access tokens.
    pub access: u64,
    /// Of tickets.
    pub ticket: u64,
    /// The most that may be asked for a service token; [`RotationPolicy`](super::RotationPolicy) must not be told less.
    pub longest: u64,
}

/// Signs tokens with the keys of a ring; make a new one when the ring changes.
#[derive(Clone, Debug)]
pub struct Issuer {
    realm: Realm,
    ring: KeyRing,
    lifetimes: Lifetimes,
}

/// A token that was just signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token itself: a secret.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whom a token speaks for, and what it may be used for.
struct Subject {
    sub: String,
    sid: Option<LoginId>,
    scope: Option<String>,
}

impl Default for Lifetimes {
    /// 15 minutes for access, 30 seconds for tickets, 30 days at most for services.
    fn default() -> Self {
        Self { access: 15 * 60_000, ticket: 30_000, longest: 30 * 24 * 3_600_000 }
    }
}

impl Issuer {
    /// Makes an issuer.
    pub fn new(realm: Realm, ring: KeyRing, lifetimes: Lifetimes) -> Self {
        Self { realm, ring, lifetimes }
    }

    /// Signs an access token of a user's login; `id` is random.
    ///
    /// # Errors
    /// There is no usable key.
    pub fn access(
        &self,
        user: &Username,
        login: LoginId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Issued, KeyError> {
        let subject = Subject { sub: user.as_str().to_owned(), sid: Some(login), scope: None };
        self.sign(TokenKind::Access, subject, id, now, self.lifetimes.access)
    }

    /// Signs a ticket that opens one socket of a user's login; `id` is random, and whoever takes the ticket remembers
    /// it until the ticket has ended.
    ///
    /// # Errors
    /// There is no usable key.
    pub fn ticket(
        &self,
        user: &Username,
        login: LoginId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Issued, KeyError> {
        let subject = Subject { sub: user.as_str().to_owned(), sid: Some(login), scope: None };
        self.sign(TokenKind::Ticket, subject, id, now, self.lifetimes.ticket)
    }

    /// Signs a token for another service that lives for `lifetime` milliseconds; `scope` lists what it may do, with
    /// blanks between.
    ///
    /// # Errors
    /// There is no usable key, or the token would outlive it, or `service` and `scope` are too long.
    pub fn service(
        &self,
        service: &str,
        scope: &str,
        lifetime: u64,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Issued, KeyError> {
        let subject = Subject { sub: service.to_owned(), sid: None, scope: Some(scope.to_owned()) };
        self.sign(TokenKind::Service, subject, id, now, lifetime)
    }

    fn sign(
        &self,
        kind: TokenKind,
        subject: Subject,
        id: TokenId,
        now: Timestamp,
        lifetime: u64,
    ) -> Result<Issued, KeyError> {
        let longest = self.lifetimes.longest;
        if lifetime > longest {
            return Err(KeyError::LifetimeTooLong { longest });
        }
        let key = self.ring.active(now).ok_or(KeyError::Missing)?;
        let exp = seconds(now.plus(lifetime));
        let claims = Claims {
            iss: self.realm.issuer.clone(),
            aud: self.realm.audience.clone(),
            sub: subject.sub,
            sid: subject.sid,
            scope: subject.scope,
            jti: id,
            iat: seconds(now),
            nbf: seconds(now),
            exp,
        };
        let token = encode(&kind.header(key.kid()), &claims, &EncodingKey::from_ed_der(key.pkcs8()))
            .map_err(|_| KeyError::Invalid)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(KeyError::TokenTooLong);
        }
        Ok(Issued { token, expires_at: timestamp(exp) })
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issued").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
