//! Shards that share a store.

use std::sync::Arc;
use std::time::Duration;

use chat::{ChatParts, ChatShard, Holdings, Options};
use http_edge::ServerLimits;
use placement::{Assignment, Bucket, BucketLoads, Epoch, Member, Table, plan};
use ports::{
    Append, Clock, Conversation, Conversations, Entropy, Inbox, Log, NewGroup, Operation, SystemClock,
    SystemEntropy,
};
use protocol::hint::{ConversationHint, Envelope, Hint};
use protocol::{ClientId, ConversationId, EventBody, EventKind, Shard, Timestamp, Username};
use session::{Limits, Rate};
use store_embedded::EmbeddedStore;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::clock::TestClock;
use super::faulty_inbox::{FaultyInbox, HintFaults};
use super::faulty_log::FaultyLog;
use super::faulty_store::FaultyStore;
use super::people::{People, Person};
use super::trouble::{Rates, Trouble};
use super::{HandshakeFailed, Seen};

/// Shards that share a store, the table between them, and the faults.
pub(crate) struct Cluster {
    pub(crate) store: Arc<EmbeddedStore>,
    /// The log that the shards use; the store's unless a test brings its own.
    pub(crate) log: Arc<dyn Log>,
    pub(crate) people: People,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tracker: TaskTracker,
    inbox: Arc<FaultyInbox>,
    table: Arc<Table>,
}

/// A shard.
pub(crate) struct Node {
    pub(crate) shard: ChatShard,
    pub(crate) name: Shard,
    pub(crate) url: String,
    pub(crate) metrics: telemetry::Metrics,
    pub(crate) stop: CancellationToken,
    tables: watch::Sender<Arc<Table>>,
}

/// For ever, as far as a test is concerned.
pub(crate) fn hour() -> Duration {
    Duration::from_secs(3600)
}

/// Options under which whatever was lost is found soon.
pub(crate) fn quick() -> Options {
    Options {
        sweep_every: Duration::from_millis(20),
        gap_patience: Duration::from_millis(2),
        marks_every: Duration::from_millis(10),
        stranger_patience: Duration::from_millis(50),
        move_window: Duration::from_millis(5),
        ..patient()
    }
}

/// Options under which nothing is found by a sweep, nobody is too fast, and nothing comes by itself.
pub(crate) fn patient() -> Options {
    let hour_ms = u64::try_from(hour().as_millis()).unwrap();
    Options {
        session: Limits {
            frames: Rate { per_second: 1_000_000, burst: 1_000_000 },
            heartbeat_ms: hour_ms,
            dead_after_ms: 2 * hour_ms,
            resume_wait_ms: hour_ms,
        },
        sweep_every: hour(),
        marks_every: hour(),
        stranger_patience: hour(),
        ..Options::default()
    }
}

impl Cluster {
    /// Starts so many shards, with faults that follow from a seed.
    pub(crate) async fn start(shards: usize, options: Options, seed: u64) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
        Self::with_log(shards, options, seed, clock, store.clone(), store).await
    }

    /// Starts shards over another log.
    pub(crate) async fn start_with_log(
        shards: usize,
        options: Options,
        log: impl FnOnce(Arc<EmbeddedStore>) -> Arc<dyn Log>,
    ) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
        let log = log(store.clone());
        Self::with_log(shards, options, 0, clock, store, log).await
    }

    async fn with_log(
        shards: usize,
        options: Options,
        seed: u64,
        clock: Arc<TestClock>,
        store: Arc<EmbeddedStore>,
        log: Arc<dyn Log>,
    ) -> Self {
        let mut listeners = Vec::new();
        let mut members = Vec::new();
        for number in 0..shards {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("ws://{}", listener.local_addr().unwrap());
            let shard = Shard::new(&format!("chat-{number}")).unwrap();
            members.push(Member { shard, url, weight: placement::ORDINARY_WEIGHT, draining: false });
            listeners.push(listener);
        }
        let assignment = planned(None, &members);
        let epoch = Epoch::start_of(1).next().unwrap();
        let mut cluster = Self {
            people: People::new(store.clone()),
            inbox: Arc::new(FaultyInbox::new(store.clone(), seed)),
            trouble: Arc::new(Trouble::new(seed)),
            table: Arc::new(Table { epoch, chat: assignment.clone(), presence: assignment }),
            nodes: Vec::new(),
            tracker: TaskTracker::new(),
            store,
            log,
            clock,
        };
        for (member, listener) in members.into_iter().zip(listeners) {
            let node = cluster.run(member, listener, options).await;
            cluster.nodes.push(node);
        }
        cluster
    }

    async fn run(&self, member: Member, listener: TcpListener, options: Options) -> Node {
        let (metrics, stop) = (telemetry::Metrics::new(), CancellationToken::new());
        let tables = watch::Sender::new(self.table.clone());
        let shard = ChatShard::start(ChatParts {
            shard: member.shard.clone(),
            store: Arc::new(FaultyStore { inner: self.store.clone(), trouble: self.trouble.clone() }),
            log: Arc::new(FaultyLog { inner: self.log.clone(), trouble: self.trouble.clone() }),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
            tables: tables.subscribe(),
            authenticator: self.people.authenticator(),
            metrics: metrics.clone(),
            options,
            tracker: self.tracker.clone(),
            stop: stop.clone(),
        })
        .await
        .unwrap();
        let limits = ServerLimits { exempt_loopback: true, ..ServerLimits::default() };
        let router = shard.router();
        self.tracker.spawn(http_edge::serve(listener, router, limits, stop.clone(), self.tracker.clone()));
        Node { shard, name: member.shard, url: format!("{}/chat", member.url), metrics, stop, tables }
    }

    /// Lets hints fare otherwise from now on.
    pub(crate) fn hints(&self, faults: HintFaults) {
        self.inbox.set(faults);
    }

    /// Lets calls of the log and the store fail from now on.
    pub(crate) fn failing(&self, rates: Rates) {
        self.trouble.set(rates);
    }

    /// Gives the table that was made last.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.clone()
    }

    /// Gives which shard a user belongs to by the table that was made last.
    pub(crate) fn home(&self, name: &Username) -> usize {
        let owner = &self.table.chat.owner(Bucket::of(name.as_str())).shard;
        self.nodes.iter().position(|node| node.name == *owner).unwrap()
    }

    /// Makes a table by which users belong to a shard; nobody knows it yet.
    pub(crate) fn move_to(&mut self, names: &[&Username], shard: usize) -> Arc<Table> {
        let before = &self.table.chat;
        let index = |shard: &Shard| before.members().iter().position(|member| member.shard == *shard).unwrap();
        let moved = |bucket: Bucket| names.iter().any(|name| Bucket::of(name.as_str()) == bucket);
        let owner = |bucket: Bucket| match moved(bucket) {
            true => index(&self.nodes[shard].name),
            false => index(&before.owner(bucket).shard),
        };
        let owners = Bucket::all().map(|bucket| u8::try_from(owner(bucket)).unwrap()).collect();
        let assignment = Assignment::new(before.members().to_vec(), owners).unwrap();
        self.next_table(assignment)
    }

    /// Makes the table by which a shard drains; nobody knows it yet.
    pub(crate) fn drained(&mut self, shard: usize) -> Arc<Table> {
        let mut members = self.table.chat.members().to_vec();
        members[shard].draining = true;
        let assignment = planned(Some(&self.table.chat), &members);
        self.next_table(assignment)
    }

    fn next_table(&mut self, assignment: Assignment) -> Arc<Table> {
        let epoch = self.table.epoch.next().unwrap();
        self.table = Arc::new(Table { epoch, chat: assignment.clone(), presence: assignment });
        self.table.clone()
    }

    /// Gives a table to a shard.
    pub(crate) fn tell(&self, shard: usize, table: &Arc<Table>) {
        self.nodes[shard].tables.send_replace(table.clone());
    }

    /// Gives a table to all shards.
    pub(crate) fn tell_all(&self, table: &Arc<Table>) {
        (0..self.nodes.len()).for_each(|shard| self.tell(shard, table));
    }

    /// Makes an account whose name begins so and which belongs to that shard.
    pub(crate) async fn person(&self, prefix: &str, shard: usize) -> Person {
        let names = (0..).map(|number| Username::new(&format!("{prefix}-{number}")).unwrap());
        let name = names.into_iter().find(|name| self.home(name) == shard).unwrap();
        self.people.sign_up(name).await
    }

    /// Opens a socket to the shard that a person belongs to, with live events flowing.
    pub(crate) async fn connect(&self, person: &Person) -> Client {
        self.connect_to(self.home(&person.name), person).await
    }

    /// Opens a socket to a shard, with live events flowing.
    pub(crate) async fn connect_to(&self, shard: usize, person: &Person) -> Client {
        let mut client = self.open(shard, person).await.unwrap();
        client.listen().await;
        client
    }

    /// Opens a socket to a shard, and says nothing.
    pub(crate) async fn open(&self, shard: usize, person: &Person) -> Result<Client, HandshakeFailed> {
        Client::open(&self.nodes[shard].url, Some(&person.token), &person.name).await
    }

    /// Makes a group, of which nobody is told.
    pub(crate) async fn group(&self, members: &[&Person]) -> ConversationId {
        let id = ConversationId((&SystemEntropy as &dyn Entropy).bytes());
        let owner = members[0].name.clone();
        let members = members.iter().map(|member| member.name.clone()).collect();
        let group = NewGroup { id, title: None, owner, members, at: Timestamp(1) };
        self.store.create_group(group).await.unwrap().id
    }

    /// Makes the direct conversation of two people, of which nobody is told.
    pub(crate) async fn direct(&self, one: &Person, other: &Person) -> ConversationId {
        self.store.direct_conversation(&one.name, &other.name, Timestamp(1)).await.unwrap().id
    }

    /// Tells the shards of the members that a conversation has changed, as the api does.
    pub(crate) async fn announce(&self, conversation: &Conversation, removed: &[&Person]) {
        let removed: Vec<Username> = removed.iter().map(|person| person.name.clone()).collect();
        let names = conversation.members.iter().map(|member| &member.username).chain(&removed);
        let mut shards: Vec<usize> = names.map(|name| self.home(name)).collect();
        shards.sort_unstable();
        shards.dedup();
        let change = ConversationHint {
            conversation: conversation.id,
            version: conversation.version,
            removed: removed.clone(),
        };
        for shard in shards {
            self.hint(shard, Hint::Conversation(change.clone())).await;
        }
    }

    /// Gives a hint to a shard.
    pub(crate) async fn hint(&self, shard: usize, hint: Hint) {
        let envelope = Envelope { epoch: self.table.epoch.into(), passed_on: false, hint };
        self.inbox.publish(&self.nodes[shard].name, vec![envelope.encode()]).await.unwrap();
    }

    /// Writes a message into the log, of which nobody is told; gives its number.
    pub(crate) async fn write(&self, conversation: ConversationId, from: &Person, id: &str) -> u64 {
        self.write_text(conversation, from, id, id).await
    }

    /// Writes a message with a text into the log, of which nobody is told; gives its number.
    pub(crate) async fn write_text(
        &self,
        conversation: ConversationId,
        from: &Person,
        id: &str,
        text: &str,
    ) -> u64 {
        let (id, at) = (ClientId::new(id).unwrap(), SystemClock.now());
        let mut body = EventBody::new(EventKind::Message, from.name.clone(), id.clone(), at);
        body.text = Some(text.to_owned());
        let append = Append {
            conversation,
            from: from.name.clone(),
            id,
            digest: 0,
            operation: Operation::Message,
            body: body.encode(),
            at,
        };
        self.log.append(append).await.unwrap().position.seq
    }

    /// Gives the number of a log's last event.
    pub(crate) async fn end(&self, conversation: ConversationId) -> u64 {
        self.log.ends(&[conversation]).await.unwrap()[0].seq
    }

    /// Gives the ids of all events of a log, in order.
    pub(crate) async fn ids(&self, conversation: ConversationId) -> Vec<String> {
        let events = self.log.events(conversation, 0, usize::MAX).await.unwrap();
        let id = |body: &[u8]| EventBody::decode(body).unwrap().id.as_str().to_owned();
        events.iter().map(|event| id(&event.body)).collect()
    }

    /// Gives the id of an event of a log, if it is there.
    pub(crate) async fn id_at(&self, conversation: ConversationId, seq: u64) -> Option<String> {
        let event = self.log.event(conversation, seq).await.unwrap()?;
        Some(EventBody::decode(&event.body).unwrap().id.as_str().to_owned())
    }

    /// Waits until a shard holds what is wanted.
    pub(crate) async fn holds(&self, shard: usize, wanted: impl Fn(&Holdings) -> bool) {
        while !wanted(&self.nodes[shard].shard.holds()) {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a shard's metric is as wanted.
    pub(crate) async fn metric(&self, shard: usize, name: &str, wanted: impl Fn(f64) -> bool) {
        while !wanted(self.nodes[shard].metric(name)) {
            tokio::task::yield_now().await;
        }
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

fn planned(before: Option<&Assignment>, members: &[Member]) -> Assignment {
    plan(before, members, &BucketLoads::uniform(), &placement::Options::default()).unwrap().assignment
}
