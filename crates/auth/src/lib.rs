//! Who a caller is: passwords, signing keys, tokens, refresh tokens, and the brake on guessing.
//!
//! A pure core: the time and every random byte are parameters, and what must be remembered is a value that the
//! caller stores. So each rule can be tested without a clock, and two replicas decide alike.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic"))]

mod password;
mod refresh;
mod throttle;
mod token;

pub use password::{
    BelowFloor, HashFailed, HashParams, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, PasswordPolicy,
    PasswordProblem, Verdict, hash_password, verify_password,
};
pub use refresh::{Presented, RefreshFamily, RefreshPolicy, RefreshToken};
pub use throttle::{Attempt, LoginThrottle};
pub use token::{
    AccessToken, Issued, Issuer, Jwk, Jwks, KeyError, KeyRing, Lifetimes, MAX_TOKEN_BYTES, PublicKey, Realm,
    Rotation, RotationPolicy, ServiceToken, SigningKey, Ticket, TokenError, TokenId, TokenKind, Verifier,
    rotate,
};
