//! The shard: its parts, put together.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use identity::Authenticator;
use lru::LruCache;
use parking_lot::Mutex;
use placement::Table;
use ports::{Clock, Entropy, Error, Inbox, Log, Result, Store, Tasks};
use protocol::chat::{History, MessageView};
use protocol::{ConversationId, Shard, Username};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::clients::{Clients, LocalUser};
use crate::conversation::LocalConversations;
use crate::forward::Forward;
use crate::marks::Marks;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::repair::Repairs;
use crate::route::Route;
use crate::upgrade;

/// How many pairs of users the shard remembers the conversation of.
const KNOWN_PAIRS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// What a chat shard is made of.
pub struct ChatParts {
    /// Its name.
    pub shard: Shard,
    /// Accounts, logins, conversations.
    pub store: Arc<dyn Store>,
    /// The conversations' events.
    pub log: Arc<dyn Log>,
    /// News from and to other shards.
    pub inbox: Arc<dyn Inbox>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who belongs where.
    pub tables: watch::Receiver<Arc<Table>>,
    /// Who is asking.
    pub authenticator: Authenticator,
    /// Where its figures go.
    pub metrics: telemetry::Metrics,
    /// What the operator set.
    pub options: Options,
    /// What its tasks are counted by.
    pub tasks: Tasks,
    /// Ends its loops.
    pub stop: CancellationToken,
}

/// Says why a shard cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its inbox cannot be reached.
    #[error(transparent)]
    Inbox(#[from] Error),
    /// Its figures cannot be registered.
    #[error(transparent)]
    Metrics(#[from] telemetry::MetricsError),
}

/// A running chat shard.
#[derive(Clone)]
pub struct ChatShard(Arc<Shared>);

/// What a shard holds for those who are connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Users with a connection.
    pub users: usize,
    /// Conversations with a member among them.
    pub conversations: usize,
    /// Deliveries that are not noted yet.
    pub marks: usize,
    /// Conversations whose logs are to be looked at.
    pub repairs: usize,
}

/// What all parts of the shard share.
pub(crate) struct Shared {
    pub(crate) shard: Shard,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) authenticator: Authenticator,
    pub(crate) options: Options,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) route: Route,
    pub(crate) forward: Forward,
    pub(crate) clients: Clients,
    pub(crate) conversations: LocalConversations,
    pub(crate) marks: Marks,
    pub(crate) repairs: Repairs,
    pub(crate) directs: Mutex<LruCache<(Username, Username), ConversationId>>,
    pub(crate) draining: AtomicBool,
    /// A permit for each socket that may be open.
    pub(crate) sockets: Arc<Semaphore>,
    pub(crate) tasks: Tasks,
    pub(crate) stop: CancellationToken,
}

impl ChatShard {
    /// Starts a shard: its loops run until `stop` is cancelled, and its sockets are served by [`ChatShard::router`].
    ///
    /// # Errors
    /// Its inbox cannot be reached, or its figures have names that are taken.
    pub async fn start(parts: ChatParts) -> std::result::Result<Self, StartError> {
        let cursor = parts.inbox.end(&parts.shard).await?;
        let metrics = Arc::new(Metrics::new(&parts.metrics)?);
        let table = parts.tables.borrow().clone();
        let (repairs, list) = Repairs::new(parts.options.gap_patience);
        let shared = Arc::new(Shared {
            route: Route::new(parts.shard.clone(), table, parts.clock.clone(), parts.options.route_overlap),
            forward: Forward::new(
                parts.inbox.clone(),
                metrics.clone(),
                parts.tasks.clone(),
                parts.stop.clone(),
            ),
            shard: parts.shard,
            store: parts.store,
            log: parts.log,
            inbox: parts.inbox,
            clock: parts.clock,
            entropy: parts.entropy,
            authenticator: parts.authenticator,
            sockets: Arc::new(Semaphore::new(parts.options.max_sockets.min(Semaphore::MAX_PERMITS))),
            options: parts.options,
            clients: Clients::new(metrics.users.clone()),
            conversations: LocalConversations::new(metrics.conversations.clone()),
            metrics,
            marks: Marks::default(),
            repairs,
            directs: Mutex::new(LruCache::new(KNOWN_PAIRS)),
            draining: AtomicBool::new(false),
            tasks: parts.tasks,
            stop: parts.stop,
        });
        shared.metrics.epoch.set(shared.epoch_for_metrics());
        shared.spawn(shared.clone().read_inbox(cursor));
        shared.spawn(shared.clone().repair(list));
        shared.spawn(shared.clone().note_deliveries());
        shared.spawn(shared.clone().sweep());
        shared.spawn(shared.clone().sweep_others());
        shared.spawn(shared.clone().follow_tables(parts.tables));
        shared.tasks.spawn(shared.clone().end_with_shard());
        Ok(Self(shared))
    }

    /// Gives the routes of the shard's public listener.
    pub fn router(&self) -> Router {
        upgrade::router(self.0.clone())
    }

    /// Gives those of `usernames` who have a socket here, each with the time since one of their devices was last heard of.
    pub fn connected(&self, usernames: &[Username]) -> BTreeMap<Username, Duration> {
        let now = self.0.now_ms();
        let silence = |name: &Username| {
            let connections = self.0.clients.get(name)?.connections();
            let shortest = connections.iter().map(|connection| connection.silence(now)).min()?;
            Some((name.clone(), Duration::from_millis(shortest)))
        };
        usernames.iter().filter_map(silence).collect()
    }

    /// Gives what the shard holds at the moment: nothing when nobody is connected.
    pub fn holds(&self) -> Holdings {
        Holdings {
            users: self.0.clients.len(),
            conversations: self.0.conversations.len(),
            marks: self.0.marks.len(),
            repairs: self.0.repairs.len(),
        }
    }

    /// Sends everybody to other shards, spread over `window`, and closes what is left at its end.
    pub async fn drain(&self, window: Duration) {
        self.0.drain(window).await;
    }
}

impl Shared {
    /// Runs a task until the shard stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Gives a page of a conversation to a member.
    pub(crate) async fn history(
        &self,
        user: &LocalUser,
        asked: &History,
    ) -> Result<(Vec<MessageView>, bool)> {
        if self.store.membership(asked.conversation, &user.name).await?.is_none() {
            return Err(Error::ConversationNotFound);
        }
        ports::history::page(&*self.log, asked.conversation, asked.before, asked.after, asked.limit).await
    }

    pub(crate) fn epoch_for_metrics(&self) -> i64 {
        i64::try_from(u64::from(self.route.table().epoch)).unwrap_or(i64::MAX)
    }
}
