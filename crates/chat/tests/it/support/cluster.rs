//! Shards that share a store.

use std::sync::Arc;
use std::time::Duration;

use chat::{ChatParts, ChatShard, Options};
use http_edge::ServerLimits;
use placement::{Bucket, BucketLoads, Epoch, Member, Table, plan};
use ports::{Conversations, Entropy, Log, NewGroup, SystemClock, SystemEntropy};
use protocol::{ConversationId, EventBody, Shard, Timestamp, Username};
use session::{Limits, Rate};
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::faulty_inbox::{FaultyInbox, HintFaults};
use super::people::{People, Person};

/// Shards that share a store, the table between them, and the faults.
pub(crate) struct Cluster {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) people: People,
    pub(crate) nodes: Vec<Node>,
    inbox: Arc<FaultyInbox>,
    table: Arc<Table>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// A shard.
pub(crate) struct Node {
    pub(crate) shard: ChatShard,
    name: Shard,
    url: String,
    _tables: watch::Sender<Arc<Table>>,
}

/// Options under which whatever was lost is found soon.
fn quick() -> Options {
    Options {
        session: Limits {
            frames: Rate { per_second: 1_000_000, burst: 1_000_000 },
            ..Options::default().session
        },
        sweep_every: Duration::from_millis(20),
        gap_patience: Duration::from_millis(2),
        marks_every: Duration::from_millis(10),
        ..Options::default()
    }
}

impl Cluster {
    /// Starts so many shards, with faults that follow from a seed.
    pub(crate) async fn start(shards: usize, seed: u64) -> Self {
        let store = Arc::new(EmbeddedStore::in_memory(Arc::new(SystemClock)));
        let mut listeners = Vec::new();
        let mut members = Vec::new();
        for number in 0..shards {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("ws://{}", listener.local_addr().unwrap());
            let shard = Shard::new(&format!("chat-{number}")).unwrap();
            members.push(Member { shard, url, weight: placement::ORDINARY_WEIGHT, draining: false });
            listeners.push(listener);
        }
        let loads = BucketLoads::uniform();
        let assignment = plan(None, &members, &loads, &placement::Options::default()).unwrap().assignment;
        let epoch = Epoch::start_of(1).next().unwrap();
        let mut cluster = Self {
            people: People::new(store.clone()),
            inbox: Arc::new(FaultyInbox::new(store.clone(), seed)),
            table: Arc::new(Table { epoch, chat: assignment.clone(), presence: assignment }),
            nodes: Vec::new(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            store,
        };
        for (member, listener) in members.into_iter().zip(listeners) {
            let node = cluster.run(member, listener).await;
            cluster.nodes.push(node);
        }
        cluster
    }

    async fn run(&self, member: Member, listener: TcpListener) -> Node {
        let tables = watch::Sender::new(self.table.clone());
        let shard = ChatShard::start(ChatParts {
            shard: member.shard.clone(),
            store: self.store.clone(),
            log: self.store.clone(),
            inbox: self.inbox.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            tables: tables.subscribe(),
            authenticator: self.people.authenticator(),
            metrics: telemetry::Metrics::new(),
            options: quick(),
            tracker: self.tracker.clone(),
            stop: self.stop.clone(),
        })
        .await
        .unwrap();
        let limits = ServerLimits { exempt_loopback: true, ..ServerLimits::default() };
        let (router, stop) = (shard.router(), self.stop.clone());
        self.tracker.spawn(http_edge::serve(listener, router, limits, stop, self.tracker.clone()));
        Node { shard, name: member.shard, url: format!("{}/chat", member.url), _tables: tables }
    }

    /// Lets hints fare otherwise from now on.
    pub(crate) fn hints(&self, faults: HintFaults) {
        self.inbox.set(faults);
    }

    /// Gives which shard a user belongs to by the table that was made last.
    pub(crate) fn home(&self, name: &Username) -> usize {
        let owner = &self.table.chat.owner(Bucket::of(name.as_str())).shard;
        self.nodes.iter().position(|node| node.name == *owner).unwrap()
    }

    /// Makes an account whose name begins so and which belongs to that shard.
    pub(crate) async fn person(&self, prefix: &str, shard: usize) -> Person {
        let names = (0..).map(|number| Username::new(&format!("{prefix}-{number}")).unwrap());
        let name = names.into_iter().find(|name| self.home(name) == shard).unwrap();
        self.people.sign_up(name).await
    }

    /// Opens a socket to the shard that a person belongs to, with live events flowing.
    pub(crate) async fn connect(&self, person: &Person) -> Client {
        let mut client = self.open(person).await;
        client.listen().await;
        client
    }

    /// Opens a socket to the shard that a person belongs to, and says nothing.
    pub(crate) async fn open(&self, person: &Person) -> Client {
        Client::open(&self.nodes[self.home(&person.name)].url, &person.token, &person.name).await
    }

    /// Makes a group, of which nobody is told.
    pub(crate) async fn group(&self, members: &[&Person]) -> ConversationId {
        let id = ConversationId((&SystemEntropy as &dyn Entropy).bytes());
        let owner = members[0].name.clone();
        let members = members.iter().map(|member| member.name.clone()).collect();
        let group = NewGroup { id, title: None, owner, members, at: Timestamp(1) };
        self.store.create_group(group).await.unwrap().id
    }

    /// Gives the ids of all events of a log, in order.
    pub(crate) async fn ids(&self, conversation: ConversationId) -> Vec<String> {
        let events = self.store.events(conversation, 0, usize::MAX).await.unwrap();
        let id = |body: &[u8]| EventBody::decode(body).unwrap().id.as_str().to_owned();
        events.iter().map(|event| id(&event.body)).collect()
    }

    /// Waits until a shard holds nobody and nothing.
    pub(crate) async fn emptied(&self) {
        while self.nodes.iter().any(|node| node.shard.holds() != chat::Holdings::default()) {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
