//! Signing keys and their public halves.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use protocol::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A key that signs tokens: Ed25519, with its schedule.
///
/// Its serialised form holds the private key and belongs into the store alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "StoredKey", into = "StoredKey")]
pub struct SigningKey {
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
    created_at: Timestamp,
    signs_from: Timestamp,
}

/// The half of a key that verifies.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kid: String,
    bytes: [u8; 32],
}

/// A public key as other services read it (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key type, `OKP`.
    pub kty: String,
    /// The curve, `Ed25519`.
    pub crv: String,
    /// The key in URL-safe base64.
    pub x: String,
    /// The identifier that tokens name.
    pub kid: String,
    /// The algorithm, `EdDSA`.
    pub alg: String,
    /// What the key is for, `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// A set of public keys (RFC 7517, section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys, those that do not sign yet or any more too.
    pub keys: Vec<Jwk>,
}

/// Says what is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no Ed25519 key.
    #[error("not an ed25519 key")]
    Invalid,
    /// There is no key to sign with.
    #[error("there is no signing key")]
    Missing,
    /// A token would live longer than the keys that verify it.
    #[error("a token may live {longest} ms at most")]
    LifetimeTooLong {
        /// The longest lifetime, in milliseconds.
        longest: u64,
    },
    /// The token would be longer than what is read.
    #[error("the token would be too long")]
    TokenTooLong,
}

/// What is stored of a [`SigningKey`]: the rest follows from it.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    pkcs8: Zeroizing<String>,
    created_at: Timestamp,
    signs_from: Timestamp,
}

impl SigningKey {
    /// Makes a key of 32 random bytes that is published at `created_at` and signs from `signs_from` on.
    ///
    /// # Errors
    /// The bytes are refused by the cryptographic library.
    pub fn from_seed(
        seed: &[u8; 32],
        created_at: Timestamp,
        signs_from: Timestamp,
    ) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Invalid)?;
        let document = pair.to_pkcs8v1().map_err(|_| KeyError::Invalid)?;
        Self::from_pkcs8(document.as_ref(), created_at, signs_from)
    }

    fn from_pkcs8(pkcs8: &[u8], created_at: Timestamp, signs_from: Timestamp) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Invalid)?;
        let public = PublicKey::new(pair.public_key().as_ref())?;
        Ok(Self { public, pkcs8: Zeroizing::new(pkcs8.to_vec()), created_at, signs_from })
    }

    /// Gives the identifier that tokens name.
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// Gives the half that verifies.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Gives the private key as PKCS #8 in DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Gives when the key was made and published.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Gives when the key begins to sign.
    pub fn signs_from(&self) -> Timestamp {
        self.signs_from
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("created_at", &self.created_at)
            .field("signs_from", &self.signs_from)
            .finish_non_exhaustive()
    }
}

impl TryFrom<StoredKey> for SigningKey {
    type Error = KeyError;
    fn try_from(stored: StoredKey) -> Result<Self, KeyError> {
        let pkcs8 = Zeroizing::new(STANDARD.decode(stored.pkcs8.as_bytes()).map_err(|_| KeyError::Invalid)?);
        Self::from_pkcs8(&pkcs8, stored.created_at, stored.signs_from)
    }
}

impl From<SigningKey> for StoredKey {
    fn from(key: SigningKey) -> Self {
        let pkcs8 = Zeroizing::new(STANDARD.encode(&key.pkcs8));
        Self { pkcs8, created_at: key.created_at, signs_from: key.signs_from }
    }
}

impl PublicKey {
    fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| KeyError::Invalid)?;
        Ok(Self { kid: thumbprint(&bytes), bytes })
    }

    /// Gives the identifier that tokens name: the key's thumbprint, so that no two keys share one.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Gives the key's 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.kid)
    }
}

impl From<&PublicKey> for Jwk {
    fn from(key: &PublicKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(key.bytes),
            kid: key.kid.clone(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        }
    }
}

impl TryFrom<&Jwk> for PublicKey {
    type Error = KeyError;
    fn try_from(jwk: &Jwk) -> Result<Self, KeyError> {
        let key = Self::new(&URL_SAFE_NO_PAD.decode(&jwk.x).map_err(|_| KeyError::Invalid)?)?;
        let fits = jwk.kty == "OKP" && jwk.crv == "Ed25519" && jwk.alg == "EdDSA" && jwk.kid == key.kid;
        if fits { Ok(key) } else { Err(KeyError::Invalid) }
    }
}

/// Computes the thumbprint of a public key (RFC 7638; RFC 8037, appendix A.3).
fn thumbprint(bytes: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(bytes);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendices A.1 to A.3.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn key() -> SigningKey {
        let seed = URL_SAFE_NO_PAD.decode(SEED).unwrap();
        SigningKey::from_seed(&seed.try_into().unwrap(), Timestamp(1), Timestamp(2)).unwrap()
    }

    #[test]
    fn a_seed_gives_the_public_key_and_thumbprint_of_the_rfc() {
        let jwk = Jwk::from(key().public());
        assert_eq!(jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(jwk.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_stored_key_comes_back() {
        let stored = serde_json::to_string(&key()).unwrap();
        let read: SigningKey = serde_json::from_str(&stored).unwrap();
        assert_eq!((read.kid(), read.pkcs8()), (key().kid(), key().pkcs8()));
        assert_eq!((read.created_at(), read.signs_from()), (Timestamp(1), Timestamp(2)));
    }

    #[test]
    fn a_damaged_stored_key_is_refused() {
        let stored = serde_json::to_string(&key()).unwrap();
        assert!(serde_json::from_str::<SigningKey>(&stored.replace("\"M", "\"N")).is_err());
    }

    #[test]
    fn a_published_key_comes_back_and_one_under_a_wrong_name_does_not() {
        let jwk = Jwk::from(key().public());
        assert_eq!(PublicKey::try_from(&jwk).as_ref(), Ok(key().public()));
        for wrong in [
            Jwk { kid: "other".to_owned(), ..jwk.clone() },
            Jwk { kty: "oct".to_owned(), ..jwk.clone() },
            Jwk { x: "AAAA".to_owned(), ..jwk },
        ] {
            assert_eq!(PublicKey::try_from(&wrong), Err(KeyError::Invalid));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", key());
        assert!(shown.contains(key().kid()) && !shown.contains("pkcs8"), "{shown}");
    }
}
