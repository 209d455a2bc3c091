//! What the connections and loops of a shard share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use availability::{Moment, SessionId};
use identity::Identity;
use parking_lot::Mutex;
use ports::{Clock, Entropy, Inbox, PresenceRecord, Store, Tasks};
use protocol::{CloseCode, Shard, Username};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::authenticator::Authenticator;
use crate::metrics::PresenceMetrics;
use crate::options::PresenceOptions;
use crate::ownership::Ownership;
use crate::socket::Socket;
use crate::state::{Contacts, State};

/// How many users are asked of the store at once.
pub(crate) const STORE_PAGE: usize = 500;

/// What the connections and loops of a shard share.
pub(crate) struct Hub {
    pub(crate) shard: Shard,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) options: PresenceOptions,
    pub(crate) metrics: PresenceMetrics,
    pub(crate) tasks: Tasks,
    pub(crate) stop: CancellationToken,
    pub(crate) bells: Bells,
    pub(crate) draining: AtomicBool,
    state: Mutex<State>,
    /// Counts sockets.
    sessions: AtomicU64,
    /// Counts readings of contacts.
    readings: AtomicU64,
}

/// Wake the loops that have something to do.
pub(crate) struct Bells {
    /// When time itself changes something next.
    pub(crate) deadline: watch::Sender<Option<u64>>,
    /// There are changes for other shards.
    pub(crate) changes: Notify,
    /// There are records for the store.
    pub(crate) records: Notify,
    /// There are contacts to be read again.
    pub(crate) reloads: Notify,
}

impl Bells {
    pub(crate) fn new() -> Self {
        Self {
            deadline: watch::Sender::new(None),
            changes: Notify::new(),
            records: Notify::new(),
            reloads: Notify::new(),
        }
    }
}

impl Hub {
    /// Makes the hub of what the composition gave.
    pub(crate) fn new(parts: crate::PresenceParts, ownership: Ownership) -> Self {
        parts.metrics.table_epoch.set(i64::try_from(ownership.epoch()).unwrap_or(i64::MAX));
        Self {
            state: Mutex::new(State::new(&parts.options, ownership)),
            shard: parts.shard,
            store: parts.store,
            inbox: parts.inbox,
            clock: parts.clock,
            entropy: parts.entropy,
            authenticator: parts.authenticator,
            options: parts.options,
            metrics: parts.metrics,
            tasks: parts.tasks,
            stop: parts.stop,
            bells: Bells::new(),
            draining: AtomicBool::new(false),
            sessions: AtomicU64::new(0),
            readings: AtomicU64::new(0),
        }
    }

    /// Gives the time.
    pub(crate) fn now(&self) -> Moment {
        Moment { elapsed: milliseconds(self.clock.monotonic()), wall: self.clock.now() }
    }

    /// Changes the state, and wakes who has something to do then.
    pub(crate) fn update<T>(&self, work: impl FnOnce(&mut State, Moment) -> T) -> T {
        let mut state = self.state.lock();
        // Asked for under the lock, so that the time of a later call is never the earlier one.
        let now = self.now();
        let result = work(&mut state, now);
        state.note_departures(now);
        if !state.outgoing.changes.is_empty() {
            self.bells.changes.notify_one();
        }
        if state.outgoing.has_records() {
            self.bells.records.notify_one();
        }
        if !state.outgoing.reload.is_empty() {
            self.bells.reloads.notify_one();
        }
        let deadline = state.next_deadline();
        self.bells.deadline.send_if_modified(|known| std::mem::replace(known, deadline) != deadline);
        let (users, sockets) = state.roster.counts();
        self.metrics.users.set(i64::try_from(users).unwrap_or(i64::MAX));
        self.metrics.connections.set(i64::try_from(sockets).unwrap_or(i64::MAX));
        result
    }

    /// Says who owns whom.
    pub(crate) fn ownership(&self) -> Arc<Ownership> {
        self.state.lock().ownership().clone()
    }

    /// Makes a socket.
    pub(crate) fn socket(&self, identity: Identity) -> Arc<Socket> {
        let session = SessionId(self.sessions.fetch_add(1, Ordering::Relaxed));
        Arc::new(Socket::new(session, identity.user, identity.login, self.options.queue_bytes))
    }

    /// Lets a socket in: its user is there, and it sees its contacts. It is to leave in any case.
    ///
    /// # Errors
    /// Why it cannot be let in.
    pub(crate) async fn join(&self, socket: &Arc<Socket>) -> Result<(), CloseCode> {
        let read_at = self.now().elapsed;
        let known = self.update(|state, _| state.seat(socket, self.options.max_sockets_per_user))?;
        let record = if known { None } else { self.records(std::slice::from_ref(&socket.user)).await?.pop() };
        let contacts = self.contacts(&socket.user).await?;
        let new = self.update(|state, now| state.arrive(socket, record.as_ref(), &contacts, read_at, now));
        let filled = self.fill(&socket.user).await;
        // The user's other devices did not see them either.
        self.update(|state, _| state.show(&socket.user, &new));
        filled?;
        let shown = self.update(|state, _| state.open(socket));
        self.metrics.snapshot_users.observe(f64::from(u32::try_from(shown).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// Reads whom a user may see again.
    ///
    /// # Errors
    /// The store is not available; the sight stays as it was.
    pub(crate) async fn reload_contacts(&self, user: &Username) -> Result<(), CloseCode> {
        let contacts = self.contacts(user).await?;
        let new = self.update(|state, now| state.set_visible(user, &contacts, now));
        if new.is_empty() {
            return Ok(());
        }
        let filled = self.fill(user).await;
        // In any case: the next reading finds nothing new. Who could not be read of is told of by the sweep.
        self.update(|state, _| state.show(user, &new));
        filled
    }

    /// Reads how those are whom a user sees and of whom nothing is known yet.
    async fn fill(&self, user: &Username) -> Result<(), CloseCode> {
        let unknown = self.update(|state, _| state.unknown_to(user));
        for page in unknown.chunks(STORE_PAGE) {
            let read_at = self.now().elapsed;
            let records = self.records(page).await?;
            self.update(|state, now| state.fill(page, &records, read_at, now));
        }
        Ok(())
    }

    async fn contacts(&self, user: &Username) -> Result<Contacts, CloseCode> {
        let reading = 1 + self.readings.fetch_add(1, Ordering::Relaxed);
        let names = self.store.visible_contacts(user).await.map_err(|error| unavailable(&error))?;
        Ok(Contacts { names, reading })
    }

    async fn records(&self, users: &[Username]) -> Result<Vec<PresenceRecord>, CloseCode> {
        self.store.presences(users).await.map_err(|error| unavailable(&error))
    }

    /// Waits until then on the clock that only grows; for ever if there is no such time.
    pub(crate) async fn sleep_until(&self, elapsed: Option<u64>) {
        match elapsed {
            Some(at) => {
                tokio::time::sleep(Duration::from_millis(at.saturating_sub(self.now().elapsed))).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Runs a task until the shard stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }
}

/// Gives a duration in milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn unavailable(error: &ports::Error) -> CloseCode {
    tracing::warn!(%error, "the store cannot be asked");
    CloseCode::TryAgainLater
}
