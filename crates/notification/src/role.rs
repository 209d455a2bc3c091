//! The role: its parts, put together.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use ports::{ConnectedUsers, Conversation, Entropy, Log, Note, Outbox, PushSender, Result, Store, Tasks};
use protocol::{ConversationId, Username};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// How many conversations are remembered.
const KNOWN_CONVERSATIONS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// What an operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long the worker of a partition waits for more before it deals with a batch that is not full.
    pub gather: Duration,
    /// How often a push is tried before it is given up.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles, with jitter.
    pub backoff: Duration,
    /// How long a new message is worth a push, in seconds.
    pub ttl_seconds: u64,
}

/// What the role is made of.
pub struct NotificationParts {
    /// Accounts, conversations, devices.
    pub store: Arc<dyn Store>,
    /// The messages.
    pub log: Arc<dyn Log>,
    /// What has to be told.
    pub outbox: Arc<dyn Outbox>,
    /// Who is connected, and needs no push.
    pub connected: Arc<dyn ConnectedUsers>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// One sender a channel.
    pub senders: Vec<Arc<dyn PushSender>>,
    /// Where its figures go.
    pub metrics: telemetry::Metrics,
    /// What the operator set.
    pub options: Options,
    /// What its tasks are counted by.
    pub tasks: Tasks,
    /// Ends its workers.
    pub stop: CancellationToken,
}

/// The running role.
#[derive(Clone)]
pub struct Notification(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) connected: Arc<dyn ConnectedUsers>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) senders: HashMap<&'static str, Arc<dyn PushSender>>,
    pub(crate) metrics: Metrics,
    pub(crate) options: Options,
    /// Conversations as they were last read: most messages come in those that had one lately.
    pub(crate) conversations: Mutex<LruCache<ConversationId, Arc<Conversation>>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gather: Duration::from_millis(100),
            attempts: 5,
            backoff: Duration::from_secs(1),
            ttl_seconds: 24 * 3600,
        }
    }
}

impl Notification {
    /// Starts one worker a partition of the outbox; they run until `stop` is cancelled.
    ///
    /// # Errors
    /// Its figures have names that are taken.
    pub fn start(parts: NotificationParts) -> std::result::Result<Self, telemetry::MetricsError> {
        let (tasks, stop) = (parts.tasks.clone(), parts.stop.clone());
        let role = Self::new(parts)?;
        for partition in 0..role.0.outbox.partitions() {
            let (worker, stop) = (role.0.clone().work(partition), stop.clone());
            tasks.spawn(async move {
                stop.run_until_cancelled(worker).await;
            });
        }
        Ok(role)
    }

    /// Makes the role without workers: it sends what it is given by [`Notification::notify`].
    ///
    /// # Errors
    /// Its figures have names that are taken.
    pub fn new(parts: NotificationParts) -> std::result::Result<Self, telemetry::MetricsError> {
        let shared = Arc::new(Shared {
            metrics: Metrics::new(&parts.metrics)?,
            store: parts.store,
            log: parts.log,
            outbox: parts.outbox,
            connected: parts.connected,
            entropy: parts.entropy,
            senders: parts.senders.into_iter().map(|sender| (sender.channel(), sender)).collect(),
            options: parts.options,
            conversations: Mutex::new(LruCache::new(KNOWN_CONVERSATIONS)),
        });
        Ok(Self(shared))
    }

    /// Sends a note to all of a user's devices, and says how many took it.
    ///
    /// # Errors
    /// The user's devices cannot be read.
    pub async fn notify(&self, user: &Username, note: &Note) -> Result<usize> {
        self.0.send(user, note).await
    }
}
