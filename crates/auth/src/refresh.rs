//! Refresh tokens: each works once, and one that is used twice ends its whole family.

use std::collections::VecDeque;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{LoginId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// How many used tokens of a family are remembered; an older one is merely unknown.
const REMEMBERED: usize = 32;

const DAY: u64 = 24 * 3_600_000;

/// What a client holds: the login that it renews, and 256 secret random bits.
///
/// It is written as 64 characters of URL-safe base64 and stored nowhere; only a hash of the secret is.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    login: LoginId,
    secret: Zeroizing<[u8; 32]>,
}

/// How long a login can be renewed, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Since it was last renewed.
    pub idle: u64,
    /// Since its password was given.
    pub total: u64,
}

/// All refresh tokens of one login: what is stored of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFamily {
    current: SecretHash,
    used: VecDeque<SecretHash>,
    began_at: Timestamp,
    renewed_at: Timestamp,
}

/// What came of a token that was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// It was the current one. Store this family in the place of the one that was asked, by compare-and-set; whoever
    /// loses that race presents again.
    Rotated(RefreshFamily),
    /// It was used before: somebody has a copy. The family and its login end.
    Reused,
    /// It was the current one, but too late. The family and its login end.
    Expired,
    /// It is none of the family's, or too old to be told. Nothing changes: whoever guesses must not end a login.
    Unknown,
}

/// The SHA-256 of a secret; the secret has 256 random bits, so no salt and no slow hash is needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct SecretHash([u8; 32]);

impl RefreshToken {
    /// Makes a token for a login of 32 random bytes.
    pub fn new(login: LoginId, secret: [u8; 32]) -> Self {
        Self { login, secret: Zeroizing::new(secret) }
    }

    /// Reads a token as a client sends it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 48]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
        if length != bytes.len() {
            return None;
        }
        let login = LoginId(bytes[..16].try_into().ok()?);
        Some(Self::new(login, bytes[16..].try_into().ok()?))
    }

    /// Gives the login that the token claims to renew.
    pub fn login(&self) -> LoginId {
        self.login
    }

    /// Writes the token for its client; nobody else may see it.
    pub fn reveal(&self) -> String {
        let mut bytes = Zeroizing::new([0; 48]);
        bytes[..16].copy_from_slice(&self.login.0);
        bytes[16..].copy_from_slice(self.secret.as_slice());
        URL_SAFE_NO_PAD.encode(bytes.as_slice())
    }

    fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.secret.as_slice()).into())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RefreshToken").field("login", &self.login).finish_non_exhaustive()
    }
}

impl Default for RefreshPolicy {
    /// 90 days without use, a year in all.
    fn default() -> Self {
        Self { idle: 90 * DAY, total: 365 * DAY }
    }
}

impl RefreshFamily {
    /// Begins the family of a new login with its first token.
    pub fn begin(first: &RefreshToken, now: Timestamp) -> Self {
        Self { current: first.hash(), used: VecDeque::new(), began_at: now, renewed_at: now }
    }

    /// Takes the token that a client presents, and makes `next` the current one if it holds.
    ///
    /// All comparisons take the same time, whichever token it is.
    pub fn present(
        &self,
        token: &RefreshToken,
        next: &RefreshToken,
        now: Timestamp,
        policy: &RefreshPolicy,
    ) -> Presented {
        let presented = token.hash();
        let current = self.current.ct_eq(&presented);
        let used = self.used.iter().fold(Choice::from(0), |found, hash| found | hash.ct_eq(&presented));
        if used.into() {
            return Presented::Reused;
        }
        if (!current).into() {
            return Presented::Unknown;
        }
        if now >= self.ends_at(policy) {
            return Presented::Expired;
        }
        Presented::Rotated(self.rotated(next, now))
    }

    /// Gives when the current token ends if it is not used, so that the record can be swept away.
    pub fn ends_at(&self, policy: &RefreshPolicy) -> Timestamp {
        self.renewed_at.plus(policy.idle).min(self.began_at.plus(policy.total))
    }

    fn rotated(&self, next: &RefreshToken, now: Timestamp) -> Self {
        let mut used = self.used.clone();
        if used.len() == REMEMBERED {
            used.pop_front();
        }
        used.push_back(self.current.clone());
        Self { current: next.hash(), used, began_at: self.began_at, renewed_at: now }
    }
}

impl ConstantTimeEq for SecretHash {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretHash")
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;
    fn try_from(mut text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        let read = URL_SAFE_NO_PAD.decode_slice(&text, &mut bytes);
        text.zeroize();
        if read == Ok(32) { Ok(Self(bytes)) } else { Err("not the hash of a refresh token") }
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: RefreshPolicy = RefreshPolicy { idle: 1000, total: 5000 };

    fn token(number: usize) -> RefreshToken {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&number.to_be_bytes());
        RefreshToken::new(LoginId([1; 16]), secret)
    }

    fn present(family: &RefreshFamily, number: usize, now: u64) -> Presented {
        family.present(&token(number), &token(number + 1), Timestamp(now), &POLICY)
    }

    /// A family whose tokens 0 to `uses - 1` were used.
    fn family(uses: usize) -> RefreshFamily {
        (0..uses).fold(RefreshFamily::begin(&token(0), Timestamp(0)), |family, number| {
            match present(&family, number, 0) {
                Presented::Rotated(next) => next,
                other => panic!("{other:?}"),
            }
        })
    }

    #[test]
    fn a_token_works_once_and_its_reuse_is_noticed() {
        let after = family(1);
        assert!(matches!(present(&after, 1, 0), Presented::Rotated(_)));
        assert_eq!(present(&after, 0, 0), Presented::Reused);
    }

    #[test]
    fn a_guess_changes_nothing() {
        assert_eq!(present(&family(3), 99, 0), Presented::Unknown);
    }

    #[test]
    fn a_login_ends_when_idle_and_in_the_end() {
        assert!(matches!(present(&family(0), 0, 999), Presented::Rotated(_)));
        assert_eq!(present(&family(0), 0, 1000), Presented::Expired);
        let mut family = family(0);
        for number in 0..5 {
            match present(&family, number, 990 * (number as u64 + 1)) {
                Presented::Rotated(next) => family = next,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(family.ends_at(&POLICY), Timestamp(5000));
        assert_eq!(present(&family, 5, 5000), Presented::Expired);
    }

    #[test]
    fn a_stolen_token_is_noticed_even_after_its_end() {
        assert_eq!(present(&family(1), 0, 100_000), Presented::Reused);
    }

    #[test]
    fn what_is_stored_is_bounded_and_holds_no_secret() {
        let stored = serde_json::to_string(&family(200)).unwrap();
        assert!(stored.len() < 2000, "{}", stored.len());
        let secret = URL_SAFE_NO_PAD.encode(token(200).secret.as_slice());
        assert!(!stored.contains(&secret));
        assert_eq!(serde_json::from_str::<RefreshFamily>(&stored).unwrap(), family(200));
    }

    proptest! {
        #[test]
        fn each_token_has_one_fate(uses in 0..100_usize, presented in 0..120_usize) {
            let fate = present(&family(uses), presented, 0);
            if presented == uses {
                prop_assert!(matches!(fate, Presented::Rotated(_)));
            } else if presented < uses && uses - presented <= REMEMBERED {
                prop_assert_eq!(fate, Presented::Reused);
            } else {
                prop_assert_eq!(fate, Presented::Unknown);
            }
        }

        #[test]
        fn what_is_written_is_read(login: [u8; 16], secret: [u8; 32]) {
            let token = RefreshToken::new(LoginId(login), secret);
            prop_assert_eq!(RefreshToken::parse(&token.reveal()), Some(token));
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(text in "\\PC{0,100}") {
            prop_assert!(RefreshToken::parse(&text).is_none_or(|token| token.reveal() == text));
        }
    }
}
