//! Accounts, logins and tokens, written straight into the store and signed with keys from a fixed seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auth::{Issuer, KeyRing, Lifetimes, Realm, RotationPolicy, TokenId, Verifier, rotate};
use identity::Authenticator;
use ports::{Account, Accounts, Clock, Login, Logins, SystemClock};
use protocol::account::User;
use protocol::{LoginId, Timestamp, Username};
use store_embedded::EmbeddedStore;
use tokio::sync::watch;

/// A user on one device.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: Username,
    pub(crate) login: LoginId,
    pub(crate) token: String,
}

/// Makes people.
pub(crate) struct People {
    store: Arc<EmbeddedStore>,
    issuer: Issuer,
    verifiers: watch::Sender<Arc<Verifier>>,
    logins: AtomicU64,
}

impl People {
    pub(crate) fn new(store: Arc<EmbeddedStore>) -> Self {
        let realm = Realm { issuer: "https://chat.test".to_owned(), audience: "chatapp".to_owned() };
        let now = SystemClock.now();
        let ring = rotate(&KeyRing::default(), now, &RotationPolicy::default(), &[7; 32]).unwrap().ring;
        let verifier = Verifier::new(&realm, &ring.jwks()).unwrap();
        let issuer = Issuer::new(realm, ring, Lifetimes::default());
        Self { store, issuer, verifiers: watch::Sender::new(Arc::new(verifier)), logins: AtomicU64::new(0) }
    }

    /// Gives what checks their tokens.
    pub(crate) fn authenticator(&self) -> Authenticator {
        let clock = Arc::new(SystemClock);
        Authenticator::new(self.verifiers.subscribe(), self.store.clone(), clock, Vec::new())
    }

    /// Makes an account, and a login of it.
    pub(crate) async fn sign_up(&self, username: Username) -> Person {
        let user = User {
            username: username.clone(),
            display_name: username.as_str().to_owned(),
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: Timestamp(0),
        };
        let account = Account { user, password_hash: String::new(), throttle: Vec::new() };
        self.store.create_account(account).await.unwrap();
        self.log_in(&username).await
    }

    /// Makes another login of a user.
    pub(crate) async fn log_in(&self, username: &Username) -> Person {
        let number = u128::from(self.logins.fetch_add(1, Ordering::Relaxed));
        let id = LoginId(number.to_le_bytes());
        let login = Login {
            id,
            username: username.clone(),
            device: None,
            created_at: Timestamp(0),
            expires_at: Timestamp(u64::MAX),
            refresh: Vec::new(),
            version: 1,
        };
        self.store.create_login(login).await.unwrap();
        let token = self.issuer.access(username, id, TokenId(id.0), SystemClock.now()).unwrap().token;
        Person { name: username.clone(), login: id, token }
    }

    /// Gives a ticket that opens one socket.
    pub(crate) fn ticket(&self, person: &Person) -> String {
        let id = TokenId(u128::from(self.logins.fetch_add(1, Ordering::Relaxed)).to_le_bytes());
        self.issuer.ticket(&person.name, person.login, id, SystemClock.now()).unwrap().token
    }
}
