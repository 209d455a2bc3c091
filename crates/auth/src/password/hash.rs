//! How passwords are stored: argon2id in PHC strings.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::{BelowFloor, MAX_PASSWORD_BYTES, at_least, normalise};

/// The most memory that a stored hash may ask for, in KiB: a damaged record must not take the machine down.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// The most passes that a stored hash may ask for.
const MAX_PASSES: u32 = 64;
/// The most lanes that a stored hash may ask for.
const MAX_LANES: u32 = 64;

/// What argon2id costs; at least what OWASP's password storage cheat sheet asks for (19 MiB, 2 passes, 1 lane).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What comparing a password with a stored hash found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the right one.
    pub ok: bool,
    /// The password is right, but its hash is weaker than today's parameters: store a new one.
    pub needs_rehash: bool,
}

/// Says that a password could not be hashed: memory ran out, or it is longer than [`MAX_PASSWORD_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

impl HashParams {
    /// The weakest parameters that are accepted, and the default.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// Makes parameters of a memory size in KiB, a number of passes and of lanes.
    ///
    /// # Errors
    /// Anything below [`HashParams::FLOOR`] is refused. What is above the bounds for stored hashes is lowered to them.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, BelowFloor> {
        at_least("argon2's memory in KiB", memory_kib.into(), Self::FLOOR.memory_kib.into())?;
        at_least("argon2's number of passes", passes.into(), Self::FLOOR.passes.into())?;
        at_least("argon2's number of lanes", lanes.into(), Self::FLOOR.lanes.into())?;
        Ok(Self {
            memory_kib: memory_kib.min(MAX_MEMORY_KIB),
            passes: passes.min(MAX_PASSES),
            lanes: lanes.min(MAX_LANES),
        })
    }

    /// Gives a hash that no password matches and that costs as much to verify as a real one.
    ///
    /// A login under an unknown name is verified against it, so that its time does not tell that the name is unknown.
    pub fn dummy(&self) -> String {
        let Self { memory_kib, passes, lanes } = self;
        let (salt, output) = ("A".repeat(22), "A".repeat(43));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${output}")
    }

    fn argon2(self) -> Result<Argon2<'static>, HashFailed> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None).map_err(|_| HashFailed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    fn exceed(self, stored: &Params) -> bool {
        self.memory_kib > stored.m_cost() || self.passes > stored.t_cost() || self.lanes > stored.p_cost()
    }
}

impl Default for HashParams {
    fn default() -> Self {
        Self::FLOOR
    }
}

/// Hashes a password with 16 random bytes of salt, and gives the PHC string to store.
///
/// It takes tens of milliseconds and [`HashParams`]' memory: run it off the event loop, and only so many at once.
///
/// # Errors
/// The password is too long, or there is no memory.
pub fn hash_password(password: &str, salt: &[u8; 16], params: HashParams) -> Result<String, HashFailed> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(HashFailed);
    }
    let hash: PasswordHash = params
        .argon2()?
        .hash_password_with_salt(normalise(password).as_bytes(), salt)
        .map_err(|_| HashFailed)?;
    Ok(hash.to_string())
}

/// Compares a password with a stored PHC string, in as much time as [`hash_password`].
///
/// A string that cannot be read matches nothing.
pub fn verify_password(password: &str, stored: &str, params: HashParams) -> Verdict {
    if password.len() > MAX_PASSWORD_BYTES {
        return Verdict::default();
    }
    let Some((hash, cost)) = parse(stored) else {
        return Verdict::default();
    };
    let ok = Argon2::default().verify_password(normalise(password).as_bytes(), &hash).is_ok();
    Verdict { ok, needs_rehash: ok && (params.exceed(&cost) || hash.algorithm.as_str() != "argon2id") }
}

fn parse(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok()?;
    let cost = Params::try_from(&hash).ok()?;
    let bounded =
        cost.m_cost() <= MAX_MEMORY_KIB && cost.t_cost() <= MAX_PASSES && cost.p_cost() <= MAX_LANES;
    bounded.then_some((hash, cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse battery staple";

    fn hashed(password: &str) -> String {
        hash_password(password, &[7; 16], HashParams::FLOOR).unwrap()
    }

    #[test]
    fn the_floor_holds() {
        assert!(HashParams::new(19_455, 2, 1).is_err());
        assert!(HashParams::new(19_456, 1, 1).is_err());
        assert!(HashParams::new(19_456, 2, 0).is_err());
        assert_eq!(HashParams::new(19_456, 2, 1), Ok(HashParams::default()));
    }

    #[test]
    fn a_hash_names_its_parameters_and_fits_its_password_only() {
        let stored = hashed(PASSWORD);
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(
            verify_password(PASSWORD, &stored, HashParams::FLOOR),
            Verdict { ok: true, needs_rehash: false }
        );
        assert_eq!(verify_password("correct horse", &stored, HashParams::FLOOR), Verdict::default());
        assert_ne!(stored, hash_password(PASSWORD, &[8; 16], HashParams::FLOOR).unwrap());
    }

    #[test]
    fn the_same_characters_match_however_they_are_encoded() {
        let verdict =
            verify_password("gru\u{308}ße aus Zu\u{308}rich", &hashed("grüße aus Zürich"), HashParams::FLOOR);
        assert!(verdict.ok);
    }

    #[test]
    fn a_weaker_hash_is_accepted_and_renewed() {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let stored: PasswordHash = old.hash_password_with_salt(PASSWORD.as_bytes(), &[7; 16]).unwrap();
        let verdict = verify_password(PASSWORD, &stored.to_string(), HashParams::FLOOR);
        assert_eq!(verdict, Verdict { ok: true, needs_rehash: true });
        assert_eq!(
            verify_password("another one", &stored.to_string(), HashParams::FLOOR),
            Verdict::default()
        );
    }

    #[test]
    fn nothing_matches_the_dummy_and_it_costs_the_same() {
        let params = HashParams::new(20_000, 3, 1).unwrap();
        let (_, cost) = parse(&params.dummy()).unwrap();
        assert_eq!((cost.m_cost(), cost.t_cost(), cost.p_cost()), (20_000, 3, 1));
        for password in ["", "A", PASSWORD] {
            assert_eq!(verify_password(password, &params.dummy(), params), Verdict::default());
        }
    }

    #[test]
    fn what_is_no_hash_matches_nothing() {
        for stored in ["", "$", "plain", "$argon2id$v=19$m=19456,t=2,p=1$AAAA", "$scrypt$ln=1$AAAA$AAAA"] {
            assert_eq!(verify_password(PASSWORD, stored, HashParams::FLOOR), Verdict::default(), "{stored}");
        }
    }

    #[test]
    fn a_hash_that_would_cost_too_much_is_not_computed() {
        let dummy = HashParams::FLOOR.dummy();
        for (from, to) in [("m=19456", "m=1048577"), ("t=2", "t=65"), ("p=1", "p=65")] {
            assert!(parse(&dummy.replace(from, to)).is_none(), "{to}");
        }
    }

    #[test]
    fn an_oversized_password_is_not_hashed() {
        let password = "x".repeat(MAX_PASSWORD_BYTES + 1);
        assert_eq!(hash_password(&password, &[7; 16], HashParams::FLOOR), Err(HashFailed));
        assert_eq!(
            verify_password(&password, &HashParams::FLOOR.dummy(), HashParams::FLOOR),
            Verdict::default()
        );
    }
}
