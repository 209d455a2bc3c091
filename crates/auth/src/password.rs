//! Passwords: which ones are accepted, and how they are stored.

mod common;
mod hash;
mod policy;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use hash::{HashFailed, HashParams, Verdict, hash_password, verify_password};
pub use policy::{PasswordPolicy, PasswordProblem};

/// The longest password in bytes: hashing takes time that grows with what a stranger sends.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// The shortest password that an operator can allow, in characters (NIST SP 800-63B-4, section 3.1.1.2).
pub const MIN_PASSWORD_CHARS: usize = 8;

/// Says that a setting is weaker than what the program accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} is {value}, but at least {floor} is needed")]
pub struct BelowFloor {
    /// The setting's name.
    pub setting: &'static str,
    /// What was asked for.
    pub value: u64,
    /// The least that is accepted.
    pub floor: u64,
}

fn at_least(setting: &'static str, value: u64, floor: u64) -> Result<(), BelowFloor> {
    if value < floor { Err(BelowFloor { setting, value, floor }) } else { Ok(()) }
}

/// Makes what different keyboards and systems send for the same characters the same (NFKC).
fn normalise(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfkc().collect())
}
