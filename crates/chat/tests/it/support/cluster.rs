//! Shards that share a store.

use std::sync::Arc;

use chat::{ChatParts, ChatShard, Holdings, Options};
use http_edge::ServerLimits;
use placement::{Member, Table};
use ports::{Conversation, Conversations, Entropy, Inbox, Log, NewGroup, SystemEntropy};
use protocol::hint::{ConversationHint, Envelope, Hint};
use protocol::{ConversationId, EventBody, Shard, Timestamp, Username};
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{Client, HandshakeFailed};
use super::clock::TestClock;
use super::faulty_inbox::{FaultyInbox, HintFaults};
use super::faulty_log::FaultyLog;
use super::faulty_store::FaultyStore;
use super::people::{People, Person};
use super::tables::Tables;
use super::trouble::{Rates, Trouble};

/// Shards that share a store, the tables between them, and the faults.
pub(crate) struct Cluster {
    pub(crate) store: Arc<EmbeddedStore>,
    /// The log: the store's, unless a test brings its own.
    pub(crate) log: Arc<dyn Log>,
    pub(crate) people: People,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) tables: Tables,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tracker: TaskTracker,
    inbox: Arc<FaultyInbox>,
}

/// A shard.
pub(crate) struct Node {
    pub(crate) shard: ChatShard,
    pub(crate) name: Shard,
    pub(crate) url: String,
    pub(crate) stop: CancellationToken,
    metrics: telemetry::Metrics,
}

impl Cluster {
    /// Starts so many shards, with faults that follow from a seed.
    pub(crate) async fn start(shards: usize, options: Options, seed: u64) -> Self {
        Self::start_with_log(shards, options, seed, |store| store).await
    }

    /// Starts shards over another log.
    pub(crate) async fn start_with_log(
        shards: usize,
        options: Options,
        seed: u64,
        log: impl FnOnce(Arc<EmbeddedStore>) -> Arc<dyn Log>,
    ) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
        let mut listeners = Vec::new();
        let mut members = Vec::new();
        for number in 0..shards {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("ws://{}", listener.local_addr().unwrap());
            let shard = Shard::new(&format!("chat-{number}")).unwrap();
            members.push(Member {
                shard,
                url,
                weight: placement::ORDINARY_WEIGHT,
                operator_url: None,
                draining: false,
            });
            listeners.push(listener);
        }
        let mut cluster = Self {
            log: log(store.clone()),
            people: People::new(store.clone()),
            clock,
            trouble: Arc::new(Trouble::new(seed)),
            tables: Tables::new(&members),
            nodes: Vec::new(),
            tracker: TaskTracker::new(),
            inbox: Arc::new(FaultyInbox::new(store.clone(), seed)),
            store,
        };
        for (number, listener) in listeners.into_iter().enumerate() {
            let node = cluster.run(number, members[number].clone(), listener, options).await;
            cluster.nodes.push(node);
        }
        cluster
    }

    async fn run(&self, number: usize, member: Member, listener: TcpListener, options: Options) -> Node {
        let (metrics, stop) = (telemetry::Metrics::new(), CancellationToken::new());
        let shard = ChatShard::start(ChatParts {
            shard: member.shard.clone(),
            store: Arc::new(FaultyStore { inner: self.store.clone(), trouble: self.trouble.clone() }),
            log: Arc::new(FaultyLog { inner: self.log.clone(), trouble: self.trouble.clone() }),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
            tables: self.tables.follow(number),
            authenticator: self.people.authenticator(),
            metrics: metrics.clone(),
            options,
            tasks: self.tracker.clone().into(),
            stop: stop.clone(),
        })
        .await
        .unwrap();
        let limits = ServerLimits { exempt_loopback: true, ..ServerLimits::default() };
        let router = shard.router();
        self.tracker.spawn(http_edge::serve(listener, router, limits, stop.clone(), self.tracker.clone()));
        Node { shard, name: member.shard, url: format!("{}/chat", member.url), stop, metrics }
    }

    /// Lets hints fare otherwise from now on.
    pub(crate) fn hints(&self, faults: HintFaults) {
        self.inbox.set(faults);
    }

    /// Lets calls of the log and the store fail from now on.
    pub(crate) fn failing(&self, rates: Rates) {
        self.trouble.set(rates);
    }

    /// Makes an account whose name begins so and which belongs to that shard by the newest table.
    pub(crate) async fn person(&self, prefix: &str, shard: usize) -> Person {
        let names = (0..).map(|number| Username::new(&format!("{prefix}-{number}")).unwrap());
        let name = names.into_iter().find(|name| self.tables.home(name) == shard).unwrap();
        self.people.sign_up(name).await
    }

    /// Makes an account on each shard.
    pub(crate) async fn people_on<const N: usize>(&self, shards: [usize; N]) -> [Person; N] {
        let mut people = Vec::new();
        for (number, shard) in shards.into_iter().enumerate() {
            people.push(self.person(["ada", "bob", "cyd", "dan", "eve", "fay"][number], shard).await);
        }
        people.try_into().ok().unwrap()
    }

    /// Opens a socket to the shard that a person belongs to, with live events flowing.
    pub(crate) async fn connect(&self, person: &Person) -> Client {
        self.connect_to(self.tables.home(&person.name), person).await
    }

    /// Opens a socket to a shard, with live events flowing.
    pub(crate) async fn connect_to(&self, shard: usize, person: &Person) -> Client {
        let mut client = self.open_to(shard, person).await.unwrap();
        client.listen().await;
        client
    }

    /// Opens a socket to the shard that a person belongs to, and says nothing.
    pub(crate) async fn open(&self, person: &Person) -> Client {
        self.open_to(self.tables.home(&person.name), person).await.unwrap()
    }

    /// Opens a socket to a shard, and says nothing.
    pub(crate) async fn open_to(&self, shard: usize, person: &Person) -> Result<Client, HandshakeFailed> {
        Client::open(&self.nodes[shard].url, Some(&person.token), &person.name).await
    }

    /// Opens a socket to the shard that a person belongs to, and does not even read its `welcome`.
    pub(crate) async fn open_unread(&self, person: &Person) -> Client {
        let url = &self.nodes[self.tables.home(&person.name)].url;
        Client::open_unread(url, Some(&person.token), &person.name).await.unwrap()
    }

    /// Makes a group, of which nobody is told.
    pub(crate) async fn group(&self, members: &[&Person]) -> ConversationId {
        let id = ConversationId((&SystemEntropy as &dyn Entropy).bytes());
        let owner = members[0].name.clone();
        let members = members.iter().map(|member| member.name.clone()).collect();
        let group = NewGroup { id, title: None, owner, members, at: Timestamp(1) };
        self.store.create_group(group).await.unwrap().id
    }

    /// Adds a member to a group, of which nobody is told.
    pub(crate) async fn add(&self, group: ConversationId, by: &Person, who: &Person) -> Conversation {
        self.store.put_member(group, &by.name, &who.name, None).await.unwrap()
    }

    /// Takes a member out of a group, of which nobody is told.
    pub(crate) async fn remove(&self, group: ConversationId, by: &Person, who: &Person) -> Conversation {
        self.store.remove_member(group, &by.name, &who.name).await.unwrap().conversation
    }

    /// Tells the shards of the members that a conversation has changed, as the api does.
    pub(crate) async fn announce(&self, conversation: &Conversation, removed: &[&Person]) {
        let removed: Vec<Username> = removed.iter().map(|person| person.name.clone()).collect();
        let names = conversation.members.iter().map(|member| &member.username).chain(&removed);
        let mut shards: Vec<usize> = names.map(|name| self.tables.home(name)).collect();
        shards.sort_unstable();
        shards.dedup();
        let (id, version) = (conversation.id, conversation.version);
        let change = ConversationHint { conversation: id, version, removed: removed.clone() };
        for shard in shards {
            self.hint(shard, Hint::Conversation(change.clone())).await;
        }
    }

    /// Gives a hint to a shard, by the newest table.
    pub(crate) async fn hint(&self, shard: usize, hint: Hint) {
        let envelope = Envelope { epoch: self.tables.newest().epoch.into(), passed_on: false, hint };
        self.inbox.publish(&self.nodes[shard].name, vec![envelope.encode()]).await.unwrap();
    }

    /// Gives the number of a log's last event.
    pub(crate) async fn end(&self, conversation: ConversationId) -> u64 {
        self.log.ends(&[conversation]).await.unwrap()[0].seq
    }

    /// Gives the ids of all events of a log, in order.
    pub(crate) async fn ids(&self, conversation: ConversationId) -> Vec<String> {
        let events = self.log.events(conversation, 0, usize::MAX).await.unwrap();
        events.iter().map(|event| id_of(&event.body)).collect()
    }

    /// Gives the id of an event of a log, if it is there.
    pub(crate) async fn id_at(&self, conversation: ConversationId, seq: u64) -> Option<String> {
        let event = self.log.event(conversation, seq).await.unwrap()?;
        Some(id_of(&event.body))
    }

    /// Waits until a shard holds what is wanted.
    pub(crate) async fn holds(&self, shard: usize, wanted: impl Fn(&Holdings) -> bool) {
        while !wanted(&self.nodes[shard].shard.holds()) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until no shard holds anybody or anything.
    pub(crate) async fn emptied(&self) {
        for shard in 0..self.nodes.len() {
            self.holds(shard, |held| *held == Holdings::default()).await;
        }
    }

    /// Waits until a shard's metric is as wanted.
    pub(crate) async fn metric(&self, shard: usize, name: &str, wanted: impl Fn(f64) -> bool) {
        while !wanted(self.nodes[shard].metric(name)) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a shard follows a table.
    pub(crate) async fn follows(&self, shard: usize, table: &Table) {
        let epoch = u64::from(table.epoch) as f64;
        self.metric(shard, "chatapp_chat_table_epoch", |known| known == epoch).await;
    }

    /// Stops everything, and waits until all that was spawned has ended.
    pub(crate) async fn stop(self) {
        self.nodes.iter().for_each(|node| node.stop.cancel());
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Node {
    /// Gives a metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.render(telemetry::Format::Prometheus);
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("there is no metric {name}")).parse().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.nodes.iter().for_each(|node| node.stop.cancel());
    }
}

fn id_of(body: &[u8]) -> String {
    EventBody::decode(body).unwrap().id.as_str().to_owned()
}
