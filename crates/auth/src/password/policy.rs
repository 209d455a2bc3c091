//! Which passwords are accepted.

use protocol::Username;
use zeroize::Zeroizing;

use super::common::is_common;
use super::{BelowFloor, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS, at_least, normalise};

/// A word that no password may consist of, in lower case.
const PRODUCT_NAME: &str = "chatapp";

/// What is asked of a new password: length and rarity, never a mix of character classes (NIST SP 800-63B-4, 3.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_chars: usize,
}

/// Says why a password is not accepted, in words that can be shown to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer characters than the policy asks for.
    #[error("the password needs at least {min_chars} characters")]
    TooShort {
        /// What the policy asks for.
        min_chars: usize,
    },
    /// More bytes than are hashed.
    #[error("the password has more than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// It is in the list of common passwords.
    #[error("the password is one of the most common ones")]
    Common,
    /// It is little more than the username or the product's name.
    #[error("the password is little more than the username or the name of this service")]
    OnlyNames,
}

impl PasswordPolicy {
    /// Makes a policy that asks for `min_chars` characters.
    ///
    /// # Errors
    /// Fewer than [`MIN_PASSWORD_CHARS`] are refused.
    pub fn new(min_chars: usize) -> Result<Self, BelowFloor> {
        at_least("the minimum length of a password", min_chars as u64, MIN_PASSWORD_CHARS as u64)?;
        Ok(Self { min_chars })
    }

    /// Gives the fewest characters that are accepted.
    pub fn min_chars(&self) -> usize {
        self.min_chars
    }

    /// Checks a password that `username` wants to use.
    ///
    /// # Errors
    /// The first problem that is found.
    pub fn check(&self, password: &str, username: &Username) -> Result<(), PasswordProblem> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordProblem::TooLong);
        }
        let password = normalise(password);
        if password.chars().count() < self.min_chars {
            return Err(PasswordProblem::TooShort { min_chars: self.min_chars });
        }
        let password = Zeroizing::new(password.to_lowercase());
        if is_common(&password) {
            return Err(PasswordProblem::Common);
        }
        if is_only_names(&password, username.as_str()) {
            return Err(PasswordProblem::OnlyNames);
        }
        Ok(())
    }
}

impl Default for PasswordPolicy {
    /// Asks for 15 characters, what NIST SP 800-63B-4 wants of a password that is the only factor.
    fn default() -> Self {
        Self { min_chars: 15 }
    }
}

/// Tells whether a password without the names in it would itself be too short or common.
fn is_only_names(password: &str, username: &str) -> bool {
    let without_user = Zeroizing::new(password.replace(username, ""));
    let rest = Zeroizing::new(without_user.replace(PRODUCT_NAME, ""));
    rest.len() < password.len() && (rest.chars().count() < MIN_PASSWORD_CHARS || is_common(&rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(min_chars: usize, password: &str) -> Result<(), PasswordProblem> {
        let ada = Username::new("ada.lovelace").unwrap();
        PasswordPolicy::new(min_chars).unwrap().check(password, &ada)
    }

    #[test]
    fn the_floor_holds() {
        assert!(PasswordPolicy::new(7).is_err());
        assert!(PasswordPolicy::new(8).is_ok());
        assert_eq!(PasswordPolicy::default().min_chars(), 15);
    }

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        assert_eq!(check(15, "fourteen chars"), Err(PasswordProblem::TooShort { min_chars: 15 }));
        assert_eq!(check(15, "fifteen chars :"), Ok(()));
        assert_eq!(check(15, &"ü".repeat(14)), Err(PasswordProblem::TooShort { min_chars: 15 }));
        assert_eq!(check(15, &"ü".repeat(15)), Ok(()));
        assert_eq!(check(15, &"x".repeat(1024)), Ok(()));
        assert_eq!(check(15, &"x".repeat(1025)), Err(PasswordProblem::TooLong));
    }

    #[test]
    fn length_is_counted_after_normalisation() {
        let decomposed = "u\u{308}".repeat(8);
        assert_eq!(check(15, &decomposed), Err(PasswordProblem::TooShort { min_chars: 15 }));
    }

    #[test]
    fn common_ones_are_refused_in_any_case_and_width() {
        for common in ["password1", "PassWord1", "ｐａｓｓｗｏｒｄ１", "manchesterunited"] {
            assert_eq!(check(8, common), Err(PasswordProblem::Common), "{common}");
        }
        assert_eq!(check(15, "1234567890qwertyuiop"), Err(PasswordProblem::Common));
    }

    #[test]
    fn names_alone_are_refused() {
        for names in
            ["ada.lovelace-1815", "Ada.LovelaceAda.Lovelace", "ChatAppChatApp!!", "chatapp-ada.lovelace"]
        {
            assert_eq!(check(15, names), Err(PasswordProblem::OnlyNames), "{names}");
        }
        assert_eq!(check(15, "ada.lovelacepassword1"), Err(PasswordProblem::OnlyNames));
        assert_eq!(check(15, "ada.lovelace likes tea"), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(password in "\\PC{0,2000}") {
            let problem = check(15, &password).err();
            prop_assert_eq!(problem == Some(PasswordProblem::TooLong), password.len() > MAX_PASSWORD_BYTES);
        }
    }
}
