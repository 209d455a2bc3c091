//! People who need not hash a password: written into the store before the program starts.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use api::{Keys, KeysParts};
use auth::{Issuer, KeyRing, Lifetimes, Realm, RotationPolicy, TokenId};
use ports::{Account, Accounts, Clock, Documents, Entropy, Login, Logins, SystemClock, SystemEntropy};
use protocol::account::User;
use protocol::{LoginId, Username};
use store_embedded::{EmbeddedStore, Options};

/// Somebody with a token.
pub(crate) struct Person {
    pub(crate) name: Username,
    pub(crate) token: String,
}

/// Makes people with tokens that hold for fifteen minutes.
pub(crate) async fn people(folder: &Path, count: usize) -> Result<Vec<Person>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let options = Options { sync: false, clock: clock.clone(), ..Options::default() };
    let store = Arc::new(EmbeddedStore::open(folder, options)?);
    let realm = Realm { issuer: "chatapp".to_owned(), audience: "chatapp".to_owned() };
    let lifetimes = Lifetimes::default();
    Keys::open(KeysParts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        realm: realm.clone(),
        lifetimes,
        rotation: RotationPolicy::default(),
    })
    .await?;
    let ring = store.document("signing-keys").await?.context("there are no keys")?;
    let ring: KeyRing = serde_json::from_slice(&ring.body)?;
    let issuer = Issuer::new(realm, ring, lifetimes);
    let now = clock.now();
    let mut people = Vec::with_capacity(count);
    for n in 0..count {
        let name = Username::new(&format!("user{n}"))?;
        let user = User {
            username: name.clone(),
            display_name: name.to_string(),
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: now,
        };
        store.create_account(Account { user, password_hash: String::new(), throttle: Vec::new() }).await?;
        let id = LoginId(entropy.bytes());
        let login = Login {
            id,
            username: name.clone(),
            device: None,
            created_at: now,
            expires_at: now.plus(24 * 3_600_000),
            refresh: Vec::new(),
            version: 1,
        };
        store.create_login(login).await?;
        let token = issuer.access(&name, id, TokenId(entropy.bytes()), now)?.token;
        people.push(Person { name, token });
    }
    store.close().await?;
    Ok(people)
}
