//! A registry process, and what it lives among.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_edge::TcpDial;
use parking_lot::Mutex;
use placement::{Bucket, Epoch, Table};
use ports::{Clock, FoundShard, SystemClock, SystemEntropy};
use protocol::Service;
use protocol::{Shard, Timestamp};
use registry::{Client, Registry, RegistryOptions, StaticDiscovery, TableFeed, TableSource, follow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::documents::MemoryDocuments;
use crate::shard::TestShard;

/// The options, with everything fast.
pub(crate) fn options() -> RegistryOptions {
    RegistryOptions {
        probe_period: Duration::from_millis(10),
        debounce: Duration::from_millis(20),
        ..RegistryOptions::default()
    }
}

/// Real monotonic time, and a wall clock that the test sets, in seconds.
pub(crate) struct TestClock(AtomicU64);

/// Shards, their store and their discovery.
pub(crate) struct World {
    pub(crate) chat: Vec<TestShard>,
    pub(crate) presence: TestShard,
    pub(crate) discovery: StaticDiscovery,
    pub(crate) documents: Arc<MemoryDocuments>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) options: RegistryOptions,
    pub(crate) leading: Option<watch::Receiver<bool>>,
}

/// A running registry with its HTTP server.
pub(crate) struct RunningRegistry {
    pub(crate) address: SocketAddr,
    pub(crate) feed: TableFeed,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// A running follower: its feed, and every epoch that it came by.
pub(crate) struct RunningFollower {
    pub(crate) feed: TableFeed,
    pub(crate) epochs: Arc<Mutex<Vec<Epoch>>>,
    _stop: DropGuard,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst) * 1_000)
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

impl TestClock {
    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl World {
    /// So many chat shards, one presence shard, all listed.
    pub(crate) async fn new(count: usize) -> Self {
        let mut chat = Vec::new();
        for number in 0..count {
            chat.push(TestShard::start(&format!("chat-{number}"), Service::Chat).await);
        }
        let world = Self {
            chat,
            presence: TestShard::start("presence-0", Service::Presence).await,
            discovery: StaticDiscovery::new(vec![]),
            documents: Arc::default(),
            clock: Arc::new(TestClock(AtomicU64::new(1_764_000_000))),
            options: options(),
            leading: None,
        };
        world.list_all();
        world
    }

    /// Lists every shard.
    pub(crate) fn list_all(&self) {
        self.list(|_| true);
    }

    /// Lists the chat shards for which `kept` holds, and presence.
    pub(crate) fn list(&self, kept: impl Fn(&FoundShard) -> bool) {
        let chat = self.chat.iter().map(|shard| shard.found.clone()).filter(kept);
        self.discovery.set(chat.chain([self.presence.found.clone()]).collect());
    }

    /// Starts a registry at an address, port 0 being any.
    pub(crate) async fn start_registry_at(&self, address: SocketAddr) -> RunningRegistry {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let documents = Arc::clone(&self.documents);
        let clock = Arc::clone(&self.clock);
        let (dial, options) = (Arc::new(TcpDial), self.options.clone());
        let mut registry = Registry::new(&self.discovery, documents, clock, dial, options);
        if let Some(leading) = &self.leading {
            registry = registry.led_by(leading.clone());
        }
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (feed, router) = (registry.feed(), registry.router(stop.clone()));
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        tracker.spawn(async move { server.await.unwrap() });
        tracker.spawn(registry.run(stop.clone()));
        tracker.close();
        RunningRegistry { address, feed, stop, tracker }
    }

    /// Starts a registry.
    pub(crate) async fn start_registry(&self) -> RunningRegistry {
        self.start_registry_at(([127, 0, 0, 1], 0).into()).await
    }
}

impl RunningRegistry {
    /// Stops it; gives back when everything of it has ended.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tracker.wait().await;
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address).parse().unwrap(), Arc::new(TcpDial))
    }

    /// Waits for a table for which this holds.
    pub(crate) async fn until(&self, wanted: impl Fn(&Table) -> bool) -> Arc<Table> {
        until(&self.feed, wanted).await
    }

    /// Waits for a table with exactly these chat shards serving.
    pub(crate) async fn until_serving(&self, names: &str) -> Arc<Table> {
        self.until(|table| serving(table) == names).await
    }

    /// Starts a follower of this registry, which lives on without it.
    pub(crate) fn follow(&self, tracker: &TaskTracker) -> RunningFollower {
        let (source, stop) = (TableSource::new(), CancellationToken::new());
        let (feed, epochs) = (source.feed(), Arc::<Mutex<Vec<Epoch>>>::default());
        tracker.spawn(follow(self.client(), source, Arc::new(SystemEntropy), stop.clone()));
        let (mut seen, notes) = (feed.clone(), Arc::clone(&epochs));
        tracker.spawn(async move {
            let mut last = Epoch::ZERO;
            while let Some(table) = seen.newer_than(last).await {
                last = table.epoch;
                notes.lock().push(last);
            }
        });
        RunningFollower { feed, epochs, _stop: stop.drop_guard() }
    }
}

impl RunningFollower {
    /// Waits for a table for which this holds.
    pub(crate) async fn until(&self, wanted: impl Fn(&Table) -> bool) -> Arc<Table> {
        until(&self.feed, wanted).await
    }
}

async fn until(feed: &TableFeed, wanted: impl Fn(&Table) -> bool) -> Arc<Table> {
    let (mut feed, mut last) = (feed.clone(), Epoch::ZERO);
    loop {
        let table = feed.newer_than(last).await.unwrap();
        if wanted(&table) {
            return table;
        }
        last = table.epoch;
    }
}

/// The names of the chat shards that serve.
pub(crate) fn serving(table: &Table) -> String {
    let serving = table.chat.members().iter().filter(|member| member.is_serving());
    serving.map(|member| member.name().to_owned()).collect::<Vec<_>>().join(" ")
}

/// The buckets of a chat shard.
pub(crate) fn buckets(table: &Table, name: &str) -> BTreeSet<Bucket> {
    table.chat.buckets_of(&Shard::new(name).unwrap()).collect()
}

/// The buckets that have another owner for chat.
pub(crate) fn moved(before: &Table, after: &Table) -> BTreeSet<Bucket> {
    let moves = |bucket: &Bucket| before.chat.owner(*bucket).shard != after.chat.owner(*bucket).shard;
    Bucket::all().filter(moves).collect()
}
