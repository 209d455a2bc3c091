//! The roles that ship over the network: a chat shard, and an api that carries sockets to it.

use std::sync::Arc;

use api::{Api, ApiOptions, ApiParts, Keys, KeysParts, Notifier};
use async_trait::async_trait;
use auth::{Issuer, KeyRing, Lifetimes, Realm, RotationPolicy, TokenId, Verifier, rotate};
use chat::{ChatParts, ChatShard};
use futures_util::{SinkExt, StreamExt};
use identity::Authenticator;
use placement::{BucketLoads, Epoch, Member, ORDINARY_WEIGHT, Table, plan};
use ports::{Account, Accounts, Documents, Login, Logins, Note};
use protocol::account::User;
use protocol::{LoginId, Shard, Timestamp, Username};
use serde_json::Value;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::network;
use crate::dice::Dice;
use crate::history::History;
use crate::host::Process;
use crate::network::{Network, Pipe, serve};
use crate::store::SimStore;

/// A chat shard and an api, and ada's token.
struct Scene {
    network: Network,
    store: SimStore,
    table: watch::Receiver<Arc<Table>>,
    ring: KeyRing,
    token: String,
}

struct NoNotes;

#[async_trait]
impl Notifier for NoNotes {
    async fn notify(&self, _to: &Username, _note: Note) -> ports::Result<()> {
        Ok(())
    }
}

impl Scene {
    async fn set() -> Self {
        let store = SimStore::new(Dice::new(1, "store"), History::begin());
        let (direct, name, login) = (store.direct(), Username::new("ada").unwrap(), LoginId([1; 16]));
        let user = User {
            username: name.clone(),
            display_name: "Ada".to_owned(),
            bio: None,
            avatar_url: None,
            status_text: None,
            created_at: Timestamp(0),
        };
        direct
            .create_account(Account { user, password_hash: String::new(), throttle: Vec::new() })
            .await
            .unwrap();
        let made = Login {
            id: login,
            username: name.clone(),
            device: None,
            created_at: Timestamp(0),
            expires_at: Timestamp(u64::MAX),
            refresh: Vec::new(),
            version: 1,
        };
        direct.create_login(made).await.unwrap();
        let now = Process::start("set-up", &Dice::new(1, "set-up"), 0).clock().now();
        let ring = rotate(&KeyRing::default(), now, &RotationPolicy::default(), &[7; 32]).unwrap().ring;
        let body = serde_json::to_vec(&ring).unwrap();
        direct.put_document("signing-keys", 0, body).await.unwrap();
        let issuer = Issuer::new(realm(), ring.clone(), Lifetimes::default());
        let token = issuer.access(&name, login, TokenId([2; 16]), now).unwrap().token;
        let (_, table) = watch::channel(Arc::new(table()));
        Self { network: network(1, 7..=7), store, table, ring, token }
    }

    async fn start_chat(&self) -> Process {
        let process = Process::start("chat-0", &Dice::new(1, "chat-0"), 0);
        let store = self.store.handle("chat-0");
        let verifier = Arc::new(Verifier::new(&realm(), &self.ring.jwks()).unwrap());
        let (_, verifiers) = watch::channel(verifier);
        let chat = ChatShard::start(ChatParts {
            shard: Shard::new("chat-0").unwrap(),
            store: store.clone(),
            log: store.clone(),
            inbox: store.clone(),
            clock: process.clock(),
            entropy: process.entropy(),
            tables: self.table.clone(),
            authenticator: Authenticator::new(verifiers, store, process.clock(), Vec::new()),
            metrics: telemetry::Metrics::new(),
            options: chat::Options::default(),
            tasks: process.tasks.clone(),
            stop: process.stop.clone(),
        });
        let router = chat.await.unwrap().router();
        process.tasks.spawn(serve(self.network.listen("chat-0:80"), router, process.tasks.clone()));
        process
    }

    async fn start_api(&self) -> Process {
        let process = Process::start("api-0", &Dice::new(1, "api-0"), 0);
        let store = self.store.handle("api-0");
        let keys = KeysParts {
            store: store.clone(),
            clock: process.clock(),
            entropy: process.entropy(),
            realm: realm(),
            lifetimes: Lifetimes::default(),
            rotation: RotationPolicy::default(),
        };
        let api = Api::new(ApiParts {
            store: store.clone(),
            log: store.clone(),
            inbox: store,
            clock: process.clock(),
            entropy: process.entropy(),
            tables: self.table.clone(),
            keys: Keys::open(keys).await.unwrap(),
            channels: Vec::new(),
            notifier: Arc::new(NoNotes),
            dial: self.network.dialer("api-0"),
            metrics: telemetry::Metrics::new(),
            options: ApiOptions::default(),
            tasks: process.tasks.clone(),
            stop: process.stop.clone(),
        });
        let router = api.unwrap().router();
        process.tasks.spawn(serve(self.network.listen("api-0:80"), router, process.tasks.clone()));
        process
    }

    /// Opens `/chat` at a process.
    async fn open(&self, process: &str) -> WebSocketStream<Pipe> {
        let mut request = format!("ws://{process}/chat").into_client_request().unwrap();
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let pipe = self.network.connect("phone", process).await.unwrap();
        client_async(request, pipe).await.unwrap().0
    }
}

fn realm() -> Realm {
    Realm { issuer: "https://chat.test".to_owned(), audience: "chatapp".to_owned() }
}

/// A table with one shard.
fn table() -> Table {
    let member = Member {
        shard: Shard::new("chat-0").unwrap(),
        url: "ws://chat-0:80".to_owned(),
        weight: ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    };
    let chat =
        plan(None, &[member], &BucketLoads::uniform(), &placement::Options::default()).unwrap().assignment;
    Table { epoch: Epoch::start_of(1).next().unwrap(), presence: chat.clone(), chat }
}

async fn next(socket: &mut WebSocketStream<Pipe>) -> Value {
    serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
}

/// Sends a ping and waits for the answer; what comes before it is passed over.
async fn ping(socket: &mut WebSocketStream<Pipe>) {
    socket.send(Message::text(r#"{"type":"ping","id":"p"}"#)).await.unwrap();
    while next(socket).await["type"] != "pong" {}
}

#[tokio::test(start_paused = true)]
async fn a_device_is_welcome_at_its_shard_and_through_the_api() {
    let scene = Scene::set().await;
    let _processes = (scene.start_chat().await, scene.start_api().await);
    for process in ["chat-0", "api-0"] {
        let mut socket = scene.open(process).await;
        let welcome = next(&mut socket).await;
        assert_eq!((&welcome["type"], &welcome["shard"]), (&"welcome".into(), &"chat-0".into()), "{welcome}");
        ping(&mut socket).await;
        socket.close(None).await.unwrap();
        // Its answer, and then the end.
        while let Some(frame) = socket.next().await {
            assert!(matches!(frame.unwrap(), Message::Close(_)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_learns_that_its_shard_has_crashed() {
    let scene = Scene::set().await;
    let (chat, _api) = (scene.start_chat().await, scene.start_api().await);
    let mut sockets = [scene.open("chat-0").await, scene.open("api-0").await];
    for socket in &mut sockets {
        ping(socket).await;
    }
    scene.network.cut("chat-0");
    chat.end();
    for socket in &mut sockets {
        while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    }
    assert!(scene.network.connect("phone", "chat-0").await.is_err());
}
