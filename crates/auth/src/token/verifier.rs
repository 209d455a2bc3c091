//! Checks tokens.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use protocol::{LoginId, Timestamp, Username};

use super::claims::{Claims, timestamp};
use super::{Jwks, KeyError, MAX_TOKEN_BYTES, PublicKey, Realm, TokenId, TokenKind};

/// How far a token's times and the clock may disagree, in milliseconds.
const LEEWAY: u64 = 30_000;

/// Checks tokens with the public keys of a realm; make a new one when the keys change.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

/// An access token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Whom it speaks for.
    pub user: Username,
    /// The login that it belongs to; whether that login has ended is for the caller to know.
    pub login: LoginId,
    /// Its own identifier.
    pub id: TokenId,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A ticket that holds, if it was not used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Whom it speaks for.
    pub user: Username,
    /// The login that it belongs to.
    pub login: LoginId,
    /// What to remember until [`forget_at`](Ticket::forget_at), so that it is used once.
    pub id: TokenId,
    /// When no verifier takes it any more.
    pub forget_at: Timestamp,
}

/// A service token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// The service that it speaks for.
    pub service: String,
    /// Its own identifier.
    pub id: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
    scope: String,
}

/// Says why a token does not hold: for logs and metrics, while callers learn only that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not a token, or one of an algorithm that does not exist here.
    #[error("the token cannot be read")]
    Malformed,
    /// Another kind of token, another algorithm, or a header with anything but `typ`, `alg` and `kid`.
    #[error("the token's header is not the expected one")]
    Header,
    /// Its key is not ours, or not any more.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// The signature does not fit, or the token belongs to another realm.
    #[error("the token's signature, issuer or audience is wrong")]
    Foreign,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// It begins later.
    #[error("the token does not hold yet")]
    NotYet,
}

impl ServiceToken {
    /// Tells whether the token may be used for `scope`.
    pub fn allows(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

impl Verifier {
    /// Makes a verifier of the keys that the realm has published.
    ///
    /// # Errors
    /// A key is not one of ours.
    pub fn new(realm: &Realm, jwks: &Jwks) -> Result<Self, KeyError> {
        let mut keys = HashMap::with_capacity(jwks.keys.len());
        for jwk in &jwks.keys {
            let key = PublicKey::try_from(jwk)?;
            keys.insert(key.kid().to_owned(), DecodingKey::from_ed_der(key.bytes()));
        }
        Ok(Self { keys, validation: validation(realm) })
    }

    /// Checks an access token.
    ///
    /// # Errors
    /// It does not hold at `now`.
    pub fn access(&self, token: &str, now: Timestamp) -> Result<AccessToken, TokenError> {
        let claims = self.check(TokenKind::Access, token, now, LEEWAY)?;
        let (user, login) = user(&claims)?;
        let (issued_at, expires_at) = (timestamp(claims.iat), timestamp(claims.exp));
        Ok(AccessToken { user, login, id: claims.jti, issued_at, expires_at })
    }

    /// Checks a ticket.
    ///
    /// # Errors
    /// It does not hold at `now`.
    pub fn ticket(&self, token: &str, now: Timestamp) -> Result<Ticket, TokenError> {
        // No leeway at its end: it is promised to hold for so long and no longer.
        let claims = self.check(TokenKind::Ticket, token, now, 0)?;
        let (user, login) = user(&claims)?;
        // A verifier whose clock is behind takes it for longer.
        let forget_at = timestamp(claims.exp).plus(LEEWAY);
        Ok(Ticket { user, login, id: claims.jti, forget_at })
    }

    /// Checks a service token; what it allows is for the caller to ask.
    ///
    /// # Errors
    /// It does not hold at `now`.
    pub fn service(&self, token: &str, now: Timestamp) -> Result<ServiceToken, TokenError> {
        let claims = self.check(TokenKind::Service, token, now, LEEWAY)?;
        let scope = claims.scope.ok_or(TokenError::Malformed)?;
        Ok(ServiceToken { service: claims.sub, id: claims.jti, expires_at: timestamp(claims.exp), scope })
    }

    fn check(&self, kind: TokenKind, token: &str, now: Timestamp, late: u64) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        let kid = header.kid.as_deref().ok_or(TokenError::Header)?;
        if header != kind.header(kid) {
            return Err(TokenError::Header);
        }
        let key = self.keys.get(kid).ok_or(TokenError::UnknownKey)?;
        let claims = decode::<Claims>(token, key, &self.validation).map_err(|_| TokenError::Foreign)?.claims;
        if now >= timestamp(claims.exp).plus(late) {
            return Err(TokenError::Expired);
        }
        if timestamp(claims.nbf) > now.plus(LEEWAY) {
            return Err(TokenError::NotYet);
        }
        Ok(claims)
    }
}

/// Pins the algorithm and the realm; the times are checked here, since the library would read the system's clock.
fn validation(realm: &Realm) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&realm.issuer]);
    validation.set_audience(&[&realm.audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn user(claims: &Claims) -> Result<(Username, LoginId), TokenError> {
    let user = Username::new(&claims.sub).map_err(|_| TokenError::Malformed)?;
    Ok((user, claims.sid.ok_or(TokenError::Malformed)?))
}
