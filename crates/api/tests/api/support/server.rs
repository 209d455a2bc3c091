//! A server on the store in memory.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use api::{Api, ApiOptions, ApiParts, Keys, KeysParts, LimitOptions};
use auth::{HashParams, Lifetimes, Realm, RotationPolicy, hash_password};
use http::Method;
use http_edge::{ServerLimits, TcpDial};
use placement::{Assignment, BucketLoads, Epoch, Member, ORDINARY_WEIGHT, Table, plan};
use ports::{Account, Accounts, Append, Clock, Entropy, Log, Operation, Store, SystemEntropy};
use protocol::{ClientId, ConversationId, EventBody, EventKind, Shard, Username};
use serde_json::json;
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::ManualClock;
use super::fakes::{KeptHints, KeptNotes, TestChannel};
use super::{Reply, Request};

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct-horse-battery-9";

/// What a test can choose.
pub(crate) struct ServerParts {
    pub(crate) options: ApiOptions,
    /// Where the two chat shards and the presence shard are.
    pub(crate) shards: [String; 3],
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) hints: Arc<KeptHints>,
    pub(crate) notes: Arc<KeptNotes>,
    pub(crate) metrics: telemetry::Metrics,
    pub(crate) table: Arc<Table>,
    pub(crate) stop: CancellationToken,
}

/// A user with a login.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: Username,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

impl Default for ServerParts {
    fn default() -> Self {
        let limits =
            LimitOptions { log_in: None, sign_up: None, address: None, user: None, exempt_loopback: false };
        let shards = ["ws://127.0.0.1:1", "ws://127.0.0.1:1", "ws://127.0.0.1:1"].map(str::to_owned);
        Self { options: ApiOptions { limits, ..ApiOptions::default() }, shards }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(ServerParts::default()).await
    }

    pub(crate) async fn with(parts: ServerParts) -> Self {
        let clock = Arc::new(ManualClock::new());
        let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let keys = Keys::open(KeysParts {
            store: store.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            realm: realm(),
            lifetimes: Lifetimes::default(),
            rotation: RotationPolicy::default(),
        })
        .await
        .unwrap();
        let (hints, notes) = (Arc::new(KeptHints::default()), Arc::new(KeptNotes::default()));
        let table = Arc::new(table(&parts.shards));
        let (metrics, stop, tracker) =
            (telemetry::Metrics::new(), CancellationToken::new(), TaskTracker::new());
        let api = Api::new(ApiParts {
            store: store.clone(),
            log: store.clone(),
            inbox: hints.clone(),
            clock: clock.clone(),
            entropy,
            // The sender is gone; a receiver goes on with what it has.
            tables: watch::channel(table.clone()).1,
            keys: keys.clone(),
            channels: vec![Arc::new(TestChannel)],
            notifier: notes.clone(),
            dial: Arc::new(TcpDial),
            metrics: metrics.of_role("api", None),
            options: parts.options,
            tasks: tracker.clone().into(),
            stop: stop.clone(),
        })
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ServerLimits { exempt_loopback: true, ..ServerLimits::default() };
        tokio::spawn(http_edge::serve(listener, api.router(), limits, stop.clone(), tracker));
        Self { address, store, clock, keys, hints, notes, metrics, table, stop }
    }

    /// Makes a user, past the expensive part of a sign-up, and logs in.
    pub(crate) async fn user(&self, username: &str) -> User {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| hash_password(PASSWORD, &[7; 16], HashParams::default()).unwrap());
        let user = protocol::account::User {
            username: name(username),
            display_name: username.to_owned(),
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: self.clock.now(),
        };
        let account = Account { user, password_hash: hash.clone(), throttle: Vec::new() };
        self.store.create_account(account).await.unwrap();
        self.log_in(username).await
    }

    /// Makes users of these names.
    pub(crate) async fn users<const N: usize>(&self, names: [&str; N]) -> [User; N] {
        let mut users = Vec::new();
        for name in names {
            users.push(self.user(name).await);
        }
        users.try_into().unwrap()
    }

    pub(crate) async fn log_in(&self, username: &str) -> User {
        let body = json!({ "username": username, "password": PASSWORD });
        let reply = self.post("/api/login").json(&body).send().await.expect(200);
        User { name: name(username), token: reply.text("token"), refresh: reply.text("refresh_token") }
    }

    /// Makes a group.
    pub(crate) async fn group(&self, owner: &User, members: &[&User]) -> ConversationId {
        let members: Vec<&Username> = members.iter().map(|user| &user.name).collect();
        let body = json!({ "title": "group", "members": members });
        let reply = self.post("/api/conversations").by(owner).json(&body).send().await.expect(201);
        ConversationId::parse(&reply.text("id")).unwrap()
    }

    /// Writes a message, as the chat shard does.
    pub(crate) async fn say(&self, conversation: ConversationId, from: &User, id: &str, text: &str) -> u64 {
        let mut body = self.event(EventKind::Message, from, id);
        body.text = Some(text.to_owned());
        self.append(conversation, body, Operation::Message).await
    }

    pub(crate) fn event(&self, kind: EventKind, from: &User, id: &str) -> EventBody {
        EventBody::new(kind, from.name.clone(), ClientId::new(id).unwrap(), self.clock.now())
    }

    pub(crate) async fn append(
        &self,
        conversation: ConversationId,
        body: EventBody,
        operation: Operation,
    ) -> u64 {
        let append = Append {
            conversation,
            from: body.from.clone(),
            id: body.id.clone(),
            digest: 0,
            operation,
            body: body.encode(),
            at: body.sent_at,
        };
        self.store.append(append).await.unwrap().position.seq
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Request {
        Request::new(self.address, Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl Into<String>) -> Request {
        Request::new(self.address, Method::POST, path)
    }

    pub(crate) fn put(&self, path: impl Into<String>) -> Request {
        Request::new(self.address, Method::PUT, path)
    }

    pub(crate) fn patch(&self, path: impl Into<String>) -> Request {
        Request::new(self.address, Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: impl Into<String>) -> Request {
        Request::new(self.address, Method::DELETE, path)
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until_metric(&self, name: &str, value: f64) {
        while self.metric(name) != value {
            tokio::task::yield_now().await;
        }
    }

    /// Gives the sum of a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.render(telemetry::Format::Prometheus);
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Reply {
    /// Gives the names in a list of users or contacts.
    pub(crate) fn names(&self) -> Vec<String> {
        self.items().iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn realm() -> Realm {
    Realm { issuer: "https://chat.test".to_owned(), audience: "chatapp".to_owned() }
}

pub(crate) fn name(text: &str) -> Username {
    Username::new(text).unwrap()
}

fn table([first, second, presence]: &[String; 3]) -> Table {
    let member = |name: &str, url: &str| Member {
        shard: Shard::new(name).unwrap(),
        url: url.to_owned(),
        weight: ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    };
    Table {
        epoch: Epoch::start_of(1),
        chat: assignment(&[member("chat-0", first), member("chat-1", second)]),
        presence: assignment(&[member("presence-0", presence)]),
    }
}

fn assignment(members: &[Member]) -> Assignment {
    plan(None, members, &BucketLoads::uniform(), &placement::Options::default()).unwrap().assignment
}
