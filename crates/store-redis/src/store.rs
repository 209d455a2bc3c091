//! The store as a whole: opening and closing it.

use std::sync::Arc;

use tokio_util::sync::DropGuard;

use crate::context::Context;
use crate::inbox::Inboxes;
use crate::keys::Keys;
use crate::link::Link;
use crate::log::Kept;
use crate::migration::{self, Secret};
use crate::outbox::Outboxes;
use crate::{OpenError, Options};

/// A store in a Redis Cluster: everything of [`ports::Store`], and the [`ports::Log`], [`ports::Inbox`] and [`ports::Outbox`].
///
/// Any number of processes may have it open. Its tasks run where the options say, and end when it is closed or dropped.
pub struct RedisStore {
    pub(crate) context: Context,
    /// What the identifiers of direct conversations depend on.
    pub(crate) secret: Secret,
    /// What was appended a short time ago.
    pub(crate) kept: Arc<Kept>,
    /// The inboxes that are read.
    pub(crate) inboxes: Arc<Inboxes>,
    /// Those who wait for entries of the outbox.
    pub(crate) outboxes: Arc<Outboxes>,
    /// Ends the tasks with the store; the tasks' own copies have none.
    _guard: Option<DropGuard>,
}

impl RedisStore {
    /// Finds the cluster and opens the store in it; makes one if there is none.
    ///
    /// # Errors
    /// See [`OpenError`]: not reachable, no cluster, the password is wrong, of a newer layout.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let link = Link::open(&options).await?;
        let Options { prefix, deadline, clock, entropy, tasks, .. } = options;
        let (stop, keys) = (link.stop(), Keys::new(&prefix));
        let guard = stop.clone().drop_guard();
        let kept = Kept::new(link.clone(), clock.clone(), &*entropy);
        let inboxes = Arc::new(Inboxes::new(&*entropy));
        let outboxes = Arc::new(Outboxes::default());
        let context = Context { link, keys, deadline, clock, entropy, tasks, stop };
        let secret = migration::prepare(&context).await?;
        let store = Self { context, secret, kept, inboxes, outboxes, _guard: Some(guard) };
        store.start();
        tracing::info!(prefix, "the store in redis is open");
        Ok(store)
    }

    /// Says whether the cluster has a node for each slot, as far as is known.
    pub fn is_whole(&self) -> bool {
        self.context.link.is_whole()
    }

    /// Ends the store's tasks; what waits, and what comes later, fails with `Unavailable`.
    pub fn close(&self) {
        self.context.stop.cancel();
    }

    /// Starts what runs beside the calls.
    fn start(&self) {
        let kept = self.kept.clone();
        self.spawn(async move { kept.keep_verifying().await });
        let store = self.for_task();
        self.spawn(async move { store.keep_polling_outboxes().await });
        let store = self.for_task();
        self.spawn(async move { store.keep_finishing().await });
    }

    /// Runs a task until the store is closed.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.context.stop.clone();
        self.context.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Gives the same store without what ends its tasks.
    fn for_task(&self) -> Self {
        Self {
            context: self.context.clone(),
            secret: self.secret,
            kept: self.kept.clone(),
            inboxes: self.inboxes.clone(),
            outboxes: self.outboxes.clone(),
            _guard: None,
        }
    }
}
