//! Shards that share a store, and the people who use them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use availability::Timings;
use http::HeaderMap;
use http_edge::{Problem, ServerLimits};
use identity::Identity;
use placement::{Assignment, Bucket, Epoch, Member, Table};
use ports::{
    Account, Accounts, Clock, Contacts, Inbox, Login, Logins, PresenceRecord, Presences, SystemClock,
    SystemEntropy,
};
use presence::{Authenticator, PresenceMetrics, PresenceOptions, PresenceParts, PresenceShard};
use protocol::account::User;
use protocol::hint::{Envelope, Hint};
use protocol::{ErrorCode, LoginId, Shard, Timestamp, Username};
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::Client;
use crate::inbox::LossyInbox;

/// A store, a table, and the shards that came to be.
pub(crate) struct Cluster {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) inbox: Arc<LossyInbox>,
    pub(crate) tracker: TaskTracker,
    tables: watch::Sender<Arc<Table>>,
    listeners: Vec<(Shard, Option<TcpListener>, String)>,
    logins: AtomicU64,
}

/// A shard that runs.
pub(crate) struct Node {
    pub(crate) shard: PresenceShard,
    pub(crate) name: Shard,
    pub(crate) address: String,
    pub(crate) metrics: telemetry::Metrics,
    stop: CancellationToken,
}

/// Takes `Bearer USER:LOGIN` for the login of that user, if it has not ended.
struct TestAuthenticator(Arc<EmbeddedStore>);

#[async_trait]
impl Authenticator for TestAuthenticator {
    async fn authenticate(&self, headers: &HeaderMap, _: Option<&str>) -> Result<Identity, Problem> {
        let refused = || Problem::new(ErrorCode::Unauthenticated);
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?;
        let (user, login) = token.split_once(':').ok_or_else(refused)?;
        let id = LoginId::parse(login).map_err(|_| refused())?;
        let login = self.0.login(id).await.unwrap().filter(|login| login.username.as_str() == user);
        let username = login.ok_or_else(refused)?.username;
        Ok(Identity { user: username, login: id })
    }
}

/// Options under which nothing happens by itself unless a test makes it: only an arrival is quick.
pub(crate) fn patient() -> PresenceOptions {
    let hour = Duration::from_secs(3600);
    PresenceOptions {
        timings: Timings { grace: 3_600_000, inactivity: 3_600_000, arrival: 1 },
        heartbeat: hour,
        answer_time: hour,
        adoption: hour,
        vouch: hour,
        sweep: hour,
        contacts_refresh: hour,
        record_refresh: hour,
        ended_logins_poll: hour,
        move_window: Duration::from_millis(1),
        ..PresenceOptions::default()
    }
}

impl Cluster {
    /// Makes a cluster of so many shards, none of which runs yet. Bucket b belongs to shard b modulo their number.
    pub(crate) async fn new(shards: usize) -> Self {
        let store = Arc::new(EmbeddedStore::in_memory(Arc::new(SystemClock)));
        let mut listeners = Vec::new();
        for number in 0..shards {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            listeners.push((Shard::new(&format!("presence-{number}")).unwrap(), Some(listener), address));
        }
        let first = table(&listeners, 1, |bucket| bucket.index() % shards);
        Self {
            inbox: Arc::new(LossyInbox::new(store.clone())),
            store,
            tracker: TaskTracker::new(),
            tables: watch::Sender::new(Arc::new(first)),
            listeners,
            logins: AtomicU64::new(0),
        }
    }

    /// Starts a shard.
    pub(crate) async fn start(&mut self, number: usize, options: PresenceOptions) -> Node {
        let tables = self.tables.subscribe();
        self.start_with(number, options, tables).await
    }

    /// Starts a shard that never hears of another table than the one of now.
    pub(crate) async fn start_cut_off(&mut self, number: usize, options: PresenceOptions) -> Node {
        let tables = watch::channel(self.tables.borrow().clone()).1;
        self.start_with(number, options, tables).await
    }

    async fn start_with(
        &mut self,
        number: usize,
        options: PresenceOptions,
        tables: watch::Receiver<Arc<Table>>,
    ) -> Node {
        let (name, listener, address) = &mut self.listeners[number];
        let listener = match listener.take() {
            Some(listener) => listener,
            None => rebind(address).await,
        };
        let metrics = telemetry::Metrics::new();
        let stop = CancellationToken::new();
        let shard = PresenceShard::start(PresenceParts {
            shard: name.clone(),
            store: self.store.clone(),
            inbox: self.inbox.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            tables,
            authenticator: Arc::new(TestAuthenticator(self.store.clone())),
            metrics: PresenceMetrics::register(&metrics).unwrap(),
            options,
            tasks: self.tracker.clone().into(),
            stop: stop.clone(),
        })
        .await
        .unwrap();
        self.tracker.spawn(http_edge::serve(
            listener,
            shard.router(),
            ServerLimits::default(),
            stop.clone(),
            self.tracker.clone(),
        ));
        Node { shard, name: name.clone(), address: address.clone(), metrics, stop }
    }

    /// Publishes a table by which all buckets belong to one shard.
    pub(crate) fn give_all_to(&self, number: usize) {
        let counter = self.tables.borrow().epoch.counter() + 1;
        self.tables.send_replace(Arc::new(table(&self.listeners, counter, |_| number)));
    }

    /// Gives the epoch of the table.
    pub(crate) fn epoch(&self) -> u64 {
        self.tables.borrow().epoch.into()
    }

    /// Makes an account whose name begins so and which belongs to that shard by the first table.
    pub(crate) async fn user(&self, prefix: &str, shard: usize) -> Username {
        let names = (0..).map(|number| Username::new(&format!("{prefix}{number}")).unwrap());
        let belongs = |name: &Username| Bucket::of(name.as_str()).index() % self.listeners.len() == shard;
        let username = names.into_iter().find(belongs).unwrap();
        let user = User {
            username: username.clone(),
            display_name: prefix.to_owned(),
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: Timestamp(0),
        };
        let account = Account { user, password_hash: String::new(), throttle: Vec::new() };
        self.store.create_account(account).await.unwrap();
        username
    }

    /// Makes two users contacts of each other.
    pub(crate) async fn befriend(&self, one: &Username, other: &Username) {
        self.store.put_contact(one, other, Timestamp(0)).await.unwrap();
        self.store.put_contact(other, one, Timestamp(0)).await.unwrap();
    }

    /// Makes a login of a user.
    pub(crate) async fn log_in(&self, user: &Username) -> LoginId {
        let number = self.logins.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        let login = Login {
            id: LoginId(id),
            username: user.clone(),
            device: None,
            created_at: Timestamp(0),
            expires_at: Timestamp(u64::MAX),
            refresh: Vec::new(),
            version: 1,
        };
        self.store.create_login(login).await.unwrap();
        LoginId(id)
    }

    /// Connects a new device of a user to a shard, reads its `welcome` and first `snapshot`, and waits until the user is
    /// known to be there: whoever comes later sees it in the snapshot.
    pub(crate) async fn connect(&self, node: &Node, user: &Username) -> Client {
        let mut client = self.dial(node, user, self.log_in(user).await).await;
        client.snapshot().await;
        self.recorded(user, |record| record.connected).await;
        client
    }

    /// Connects a device of a login, and reads its `welcome`.
    pub(crate) async fn dial(&self, node: &Node, user: &Username, login: LoginId) -> Client {
        let mut client =
            Client::open(&self.tracker, &node.address, &format!("{user}:{login}")).await.unwrap();
        assert_eq!(client.next().await["type"], "welcome");
        client
    }

    /// Gives a hint to a shard, as the API does.
    pub(crate) async fn hint(&self, node: &Node, hint: Hint) {
        let envelope = Envelope { epoch: self.epoch(), passed_on: false, hint };
        self.store.publish(&node.name, vec![envelope.encode()]).await.unwrap();
    }

    /// Waits until the record of a user is as wanted.
    pub(crate) async fn recorded(
        &self,
        user: &Username,
        wanted: impl Fn(&PresenceRecord) -> bool,
    ) -> PresenceRecord {
        loop {
            let records = self.store.presences(std::slice::from_ref(user)).await.unwrap();
            if let Some(record) = records.into_iter().next().filter(&wanted) {
                return record;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Node {
    /// Ends the shard without a word to anybody but its sockets.
    pub(crate) fn crash(&self) {
        self.stop.cancel();
    }

    /// Waits until so many sockets are connected.
    pub(crate) async fn has_sockets(&self, count: usize) {
        while self.shard.counts().1 != count {
            tokio::task::yield_now().await;
        }
    }
}

/// Gives the time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

fn table(
    shards: &[(Shard, Option<TcpListener>, String)],
    counter: u64,
    owner: impl Fn(Bucket) -> usize,
) -> Table {
    let member = |(shard, _, address): &(Shard, Option<TcpListener>, String)| Member {
        shard: shard.clone(),
        url: format!("ws://{address}"),
        weight: placement::ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    };
    let owners = Bucket::all().map(|bucket| u8::try_from(owner(bucket)).unwrap()).collect();
    let assignment = Assignment::new(shards.iter().map(member).collect(), owners).unwrap();
    let epoch = Epoch::try_from(u64::from(Epoch::start_of(1)) + counter).unwrap();
    Table { epoch, chat: assignment.clone(), presence: assignment }
}

/// Takes an address again as soon as the shard that had it lets it go.
async fn rebind(address: &str) -> TcpListener {
    loop {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::task::yield_now().await;
    }
}
