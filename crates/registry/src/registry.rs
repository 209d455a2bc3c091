//! The registry's loop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::join_all;
use placement::Table;
use ports::{Clock, Dial, Discovery, Documents, Error, FoundShard, Shards};
use protocol::{Service, Shard};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::feed::{TableFeed, TableSource, assignment_of};
use crate::load_sink::LoadSink;
use crate::loads::Loads;
use crate::options::RegistryOptions;
use crate::planner::Planner;
use crate::probe::probe;
use crate::publication::Publication;
use crate::router::{RouterState, router};

/// The services in the order in which their parts are kept.
const SERVICES: [Service; 2] = [Service::Chat, Service::Presence];

/// How long after a failure of the store it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The registry role.
pub struct Registry {
    options: RegistryOptions,
    discovery: watch::Receiver<Shards>,
    /// Whether this registry writes; the others show what it wrote.
    leading: watch::Receiver<bool>,
    clock: Arc<dyn Clock>,
    dial: Arc<dyn Dial>,
    publication: Publication,
    planners: [Planner; 2],
    loads: LoadSink,
    feed: TableFeed,
}

impl Registry {
    /// Makes a registry that always leads, and probes over connections of `dial`; it does nothing before [`Registry::run`].
    #[must_use]
    pub fn new(
        discovery: &dyn Discovery,
        documents: Arc<dyn Documents>,
        clock: Arc<dyn Clock>,
        dial: Arc<dyn Dial>,
        options: RegistryOptions,
    ) -> Self {
        let source = TableSource::new();
        let feed = source.feed();
        let term = clock.now().0 / 1_000;
        let loads = || Loads::new(options.smoothing, options.idle_load);
        Self {
            discovery: discovery.watch(),
            leading: watch::channel(true).1,
            publication: Publication::new(documents, source, term),
            planners: SERVICES.map(|service| Planner::new(service, &options)),
            loads: LoadSink::new(feed.clone(), Arc::clone(&clock), loads),
            feed,
            clock,
            dial,
            options,
        }
    }

    /// Makes it write only while `leading` says so. Two who lead at once do no harm: see the store's fence.
    #[must_use]
    pub fn led_by(mut self, leading: watch::Receiver<bool>) -> Self {
        self.leading = leading;
        self
    }

    /// Gives this process's way to the table.
    #[must_use]
    pub fn feed(&self) -> TableFeed {
        self.feed.clone()
    }

    /// Gives the way for load reports from within this process.
    #[must_use]
    pub fn load_sink(&self) -> LoadSink {
        self.loads.clone()
    }

    /// Gives the routes for the operators' port; requests that are held open end with `stop`.
    pub fn router(&self, stop: CancellationToken) -> Router {
        router(RouterState {
            feed: self.feed.clone(),
            loads: self.loads.clone(),
            watch_bound: self.options.watch_bound,
            stop,
        })
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = Box::pin(self.run_for_ever()) => {}
        }
    }

    async fn run_for_ever(&mut self) {
        while let Err(error) = self.publication.refresh().await {
            tracing::warn!(%error, "the stored table cannot be read");
            sleep(RETRY).await;
        }
        let (mut discovery, mut leading) = (self.discovery.clone(), self.leading.clone());
        let (mut discovers, mut elects) = (true, true);
        self.discover(&discovery.borrow_and_update().clone());
        let (mut probes, mut windows) = (ticks(self.options.probe_period), ticks(self.options.load_window));
        // When the next table is due, if something has changed.
        let mut due = Some(Instant::now());
        loop {
            let delay = tokio::select! {
                biased;
                changed = discovery.changed(), if discovers => {
                    discovers = changed.is_ok();
                    self.discover(&discovery.borrow_and_update().clone());
                    Some(self.debounce())
                }
                changed = leading.changed(), if elects => {
                    elects = changed.is_ok();
                    Some(Duration::ZERO)
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    self.plan().await.err()
                }
                _ = windows.tick() => self.window_ended().then_some(Duration::ZERO),
                _ = probes.tick() => self.probe().await.then(|| self.debounce()),
            };
            if let Some(delay) = delay {
                due.get_or_insert_with(|| Instant::now() + delay);
            }
        }
    }

    /// Says how long changes are gathered: before the first table nobody is spared anything by waiting.
    fn debounce(&self) -> Duration {
        if self.publication.current().is_some() { self.options.debounce } else { Duration::ZERO }
    }

    /// Takes in what discovery found.
    fn discover(&mut self, found: &[FoundShard]) {
        let table = self.publication.current();
        for planner in &mut self.planners {
            let service = planner.service;
            let shards: Vec<_> = found.iter().filter(|found| found.service == service).cloned().collect();
            tracing::debug!(?service, shards = shards.len(), "discovered");
            planner.membership.discovered(&shards, |shard| serves(table.as_deref(), service, shard));
        }
    }

    /// Probes all shards at once; says whether that changed who counts. A registry that does not lead also
    /// looks for what the leader has written.
    async fn probe(&mut self) -> bool {
        if !self.leads()
            && let Err(error) = self.publication.refresh().await
        {
            tracing::warn!(%error, "the stored table cannot be read");
        }
        let timeout = self.options.probe_timeout;
        let asked = self.planners.iter().zip(0..).flat_map(|(planner, service)| {
            planner.membership.to_probe().into_iter().map(move |(shard, url)| (service, shard, url))
        });
        let asked: Vec<(usize, Shard, String)> = asked.collect();
        let outcomes = join_all(asked.iter().map(|(_, _, url)| probe(&self.dial, url, timeout))).await;
        let mut changed = false;
        for ((service, shard, _), outcome) in asked.iter().zip(outcomes) {
            changed |= self.planners[*service].membership.probed(shard, outcome);
        }
        changed
    }

    /// Looks whether load should move buckets.
    fn window_ended(&mut self) -> bool {
        let Some(table) = self.publication.current() else { return false };
        let now = self.clock.monotonic();
        let mut moves = false;
        for planner in &mut self.planners {
            let loads = self.loads.current(planner.service);
            moves |= planner.window_ended(assignment_of(&table, planner.service), &loads, now);
        }
        moves
    }

    /// Publishes the next table if it is another. An error is the time after which to try again.
    async fn plan(&mut self) -> Result<(), Duration> {
        if !self.leads() {
            return Ok(());
        }
        let (current, now) = (self.publication.current(), self.clock.monotonic());
        let proposals = [0, 1].map(|service: usize| {
            let planner = &mut self.planners[service];
            let previous = current.as_ref().map(|table| assignment_of(table, planner.service));
            planner.propose(previous, &self.loads.current(planner.service), now)
        });
        let [chat, presence] = [0, 1].map(|service: usize| {
            let proposed = proposals[service].as_ref().map(|proposal| &proposal.plan.assignment);
            let kept = || current.as_ref().map(|table| assignment_of(table, self.planners[service].service));
            proposed.or_else(kept).cloned()
        });
        let (Some(chat), Some(presence)) = (chat, presence) else { return Ok(()) };
        if current.is_none_or(|current| current.chat != chat || current.presence != presence) {
            match self.publication.publish(chat, presence).await {
                Ok(table) => tracing::info!(epoch = %table.epoch, "table published"),
                Err(error) => {
                    tracing::warn!(%error, "table not published");
                    // After a conflict the other one's table has been read.
                    return Err(if error == Error::Conflict { Duration::ZERO } else { RETRY });
                }
            }
        }
        for (planner, proposal) in self.planners.iter_mut().zip(&proposals) {
            if let Some(proposal) = proposal {
                planner.accepted(proposal, now);
            }
        }
        Ok(())
    }

    fn leads(&self) -> bool {
        *self.leading.borrow()
    }
}

/// Makes a timer that begins at once and, if it was kept waiting, does not make up for what it missed.
fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Says whether a shard serves according to a table.
fn serves(table: Option<&Table>, service: Service, shard: &Shard) -> bool {
    let member = table.and_then(|table| assignment_of(table, service).member(shard));
    member.is_some_and(|member| member.is_serving())
}
