//! The public keys as the other roles read them: they check tokens, and never see what signs.

use std::sync::Arc;
use std::time::Duration;

use auth::{Jwks, Realm, Verifier};
use ports::{Documents, Store};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::keys::KeysError;

/// Where they are.
const DOCUMENT: &str = "public-keys";

/// How often they are looked at: a shard that starts before the first key exists must soon learn of it.
const PERIOD: Duration = Duration::from_secs(5);

/// How often a change is tried again that others got ahead of.
const ATTEMPTS: usize = 8;

/// What the store holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Published {
    /// The version of the ring that they belong to.
    ring: u64,
    /// The keys.
    keys: Jwks,
}

/// The public keys as they are now, for a process that checks tokens only.
pub struct PublicKeys {
    store: Arc<dyn Store>,
    realm: Realm,
    verifiers: watch::Sender<Arc<Verifier>>,
}

impl PublicKeys {
    /// Reads the public keys; while there are none, no token holds.
    ///
    /// # Errors
    /// The store failed or holds something else.
    pub async fn open(store: Arc<dyn Store>, realm: Realm) -> Result<Arc<Self>, KeysError> {
        let keys = published(store.as_ref()).await?.map(|(_, published)| published.keys).unwrap_or_default();
        let verifier = Arc::new(Verifier::new(&realm, &keys)?);
        Ok(Arc::new(Self { store, realm, verifiers: watch::Sender::new(verifier) }))
    }

    /// Follows the keys until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the public keys were not read");
            }
        }
    }

    /// Takes over what is stored.
    ///
    /// # Errors
    /// The store failed or holds something else; the keys stay as they are.
    pub async fn refresh(&self) -> Result<(), KeysError> {
        if let Some((_, published)) = published(self.store.as_ref()).await? {
            self.verifiers.send_replace(Arc::new(Verifier::new(&self.realm, &published.keys)?));
        }
        Ok(())
    }

    /// Gives what checks tokens, now and whenever the keys change.
    pub fn verifiers(&self) -> watch::Receiver<Arc<Verifier>> {
        self.verifiers.subscribe()
    }
}

/// Publishes the keys of a ring, unless those of a newer one are published.
pub(crate) async fn publish(store: &dyn Documents, ring: u64, keys: &Jwks) -> Result<(), KeysError> {
    for _ in 0..ATTEMPTS {
        let version = match published(store).await? {
            None => 0,
            Some((_, published)) if published.ring >= ring => return Ok(()),
            Some((version, _)) => version,
        };
        let published = Published { ring, keys: keys.clone() };
        let body = serde_json::to_vec(&published).map_err(|_| KeysError::Unreadable)?;
        match store.put_document(DOCUMENT, version, body).await {
            Ok(_) => return Ok(()),
            Err(ports::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ports::Error::Conflict.into())
}

async fn published(store: &dyn Documents) -> Result<Option<(u64, Published)>, KeysError> {
    let Some(document) = store.document(DOCUMENT).await? else {
        return Ok(None);
    };
    let published = serde_json::from_slice(&document.body).map_err(|_| KeysError::Unreadable)?;
    Ok(Some((document.version, published)))
}
