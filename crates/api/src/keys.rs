//! The signing keys: kept in the store, shared by all processes of the role, and changed without logging anybody out.

use std::sync::Arc;
use std::time::Duration;

use auth::{
    Issued, Issuer, Jwks, KeyError, KeyRing, Lifetimes, Realm, RotationPolicy, TokenId, Verifier, rotate,
};
use parking_lot::RwLock;
use ports::{Clock, Documents, Entropy, Store};
use protocol::{LoginId, Username};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::public_keys;

/// Where the ring is: it holds the private keys.
const DOCUMENT: &str = "signing-keys";

/// How often the ring is looked at. A new key is published an hour before it signs, so the pace is for operators who replace the keys.
const PERIOD: Duration = Duration::from_secs(5);

/// How often a change is tried again that others got ahead of.
const ATTEMPTS: usize = 8;

/// What the keys are made from.
#[derive(Clone)]
pub struct KeysParts {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// Tells when a key is due.
    pub clock: Arc<dyn Clock>,
    /// Where new keys come from.
    pub entropy: Arc<dyn Entropy>,
    /// Who issues the tokens, and for whom.
    pub realm: Realm,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// When keys come and go.
    pub rotation: RotationPolicy,
}

/// The signing keys as they are now.
pub struct Keys {
    parts: KeysParts,
    current: RwLock<Arc<Current>>,
    verifiers: watch::Sender<Arc<Verifier>>,
}

/// One version of the ring, ready for use.
struct Current {
    version: u64,
    issuer: Issuer,
    jwks: Jwks,
}

/// Says why the keys cannot be used or changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The store failed.
    #[error("the keys cannot be read or written: {0}")]
    Store(#[from] ports::Error),
    /// The store holds something else.
    #[error("what the store holds are no keys")]
    Unreadable,
    /// A key cannot be made or used.
    #[error("a key cannot be made or used: {0}")]
    Key(#[from] KeyError),
}

impl Keys {
    /// Reads the keys, and makes the first one if there is none.
    ///
    /// # Errors
    /// The store failed or holds something else.
    pub async fn open(parts: KeysParts) -> Result<Arc<Self>, KeysError> {
        let (version, ring) = rotated(&parts).await?;
        let jwks = ring.jwks();
        let verifier = Arc::new(Verifier::new(&parts.realm, &jwks)?);
        let issuer = Issuer::new(parts.realm.clone(), ring, parts.lifetimes);
        let current = RwLock::new(Arc::new(Current { version, issuer, jwks }));
        Ok(Arc::new(Self { parts, current, verifiers: watch::Sender::new(verifier) }))
    }

    /// Looks after the keys until `stop`: makes the next one in time, and takes over what other processes made.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the signing keys were not looked after");
            }
        }
    }

    /// Makes the next key if it is due, and takes over what is stored.
    ///
    /// # Errors
    /// The store failed or holds something else; the keys stay as they are.
    pub async fn refresh(&self) -> Result<(), KeysError> {
        let (version, ring) = rotated(&self.parts).await?;
        if self.current().version == version {
            return Ok(());
        }
        let jwks = ring.jwks();
        let verifier = Arc::new(Verifier::new(&self.parts.realm, &jwks)?);
        let issuer = Issuer::new(self.parts.realm.clone(), ring, self.parts.lifetimes);
        *self.current.write() = Arc::new(Current { version, issuer, jwks });
        self.verifiers.send_replace(verifier);
        Ok(())
    }

    /// Gives what checks tokens now.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.verifiers.borrow().clone()
    }

    /// Gives what checks tokens, now and whenever the keys change.
    pub fn verifiers(&self) -> watch::Receiver<Arc<Verifier>> {
        self.verifiers.subscribe()
    }

    /// Gives the public keys.
    pub fn jwks(&self) -> Jwks {
        self.current().jwks.clone()
    }

    /// Gives how long tokens live.
    pub fn lifetimes(&self) -> Lifetimes {
        self.parts.lifetimes
    }

    /// Signs a token that lets `service` do what `scope` lists, for `lifetime` milliseconds.
    ///
    /// # Errors
    /// As [`Issuer::service`].
    pub fn service_token(&self, service: &str, scope: &str, lifetime: u64) -> Result<Issued, KeyError> {
        self.current().issuer.service(service, scope, lifetime, self.token_id(), self.parts.clock.now())
    }

    /// Signs an access token of a login.
    pub(crate) fn access_token(&self, user: &Username, login: LoginId) -> Result<Issued, KeyError> {
        self.current().issuer.access(user, login, self.token_id(), self.parts.clock.now())
    }

    /// Signs a ticket of a login.
    pub(crate) fn ticket(&self, user: &Username, login: LoginId) -> Result<Issued, KeyError> {
        self.current().issuer.ticket(user, login, self.token_id(), self.parts.clock.now())
    }

    fn current(&self) -> Arc<Current> {
        self.current.read().clone()
    }

    fn token_id(&self) -> TokenId {
        TokenId(self.parts.entropy.bytes())
    }
}

/// Reads the ring and stores it anew if a key was due; others who do the same at this moment agree on one.
async fn rotated(parts: &KeysParts) -> Result<(u64, KeyRing), KeysError> {
    let store = parts.store.as_ref();
    let mut attempts = 0;
    let (version, ring) = loop {
        let (version, ring) = stored(store).await?;
        let rotation = rotate(&ring, parts.clock.now(), &parts.rotation, &parts.entropy.bytes())?;
        if !rotation.changed {
            break (version, ring);
        }
        attempts += 1;
        let body = serde_json::to_vec(&rotation.ring).map_err(|_| KeysError::Unreadable)?;
        match store.put_document(DOCUMENT, version, body).await {
            Ok(version) => break (version, rotation.ring),
            Err(ports::Error::Conflict) if attempts < ATTEMPTS => {}
            Err(error) => return Err(error.into()),
        }
    };
    public_keys::publish(store, version, &ring.jwks()).await?;
    Ok((version, ring))
}

async fn stored(store: &dyn Documents) -> Result<(u64, KeyRing), KeysError> {
    match store.document(DOCUMENT).await? {
        None => Ok((0, KeyRing::default())),
        Some(document) => {
            let ring = serde_json::from_slice(&document.body).map_err(|_| KeysError::Unreadable)?;
            Ok((document.version, ring))
        }
    }
}
