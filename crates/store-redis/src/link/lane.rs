//! A lane: the task that sends the calls of one purpose to one node, a batch after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::batch::{Encoded, Manner, Place};
use super::connection::{Connection, Failure};
use super::exchange::{self, Outcome};
use super::lanes::{Lanes, Pending};
use super::queue::{Limits, Taken};
use super::topology::NodeId;
use super::{Purpose, batch};

/// How long the replicas have to acknowledge a batch; then it is sent again.
const WAIT: Duration = Duration::from_millis(500);

/// How long a node has to answer a batch, the wait included; then the connection is built anew.
const ANSWER: Duration = Duration::from_secs(2);

/// How old the node's epoch may be when a batch is sent.
const EPOCH_AGE: Duration = Duration::from_secs(1);

/// How long to wait between attempts to connect: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

/// A lane.
pub(super) struct Lane {
    lanes: Arc<Lanes>,
    node: NodeId,
    wake: Arc<Notify>,
    stop: CancellationToken,
    connection: Option<Connection>,
    /// When the node was last asked for its epoch.
    epoch_at: Duration,
    /// Slots that are held until a time, because their calls should not be sent again at once.
    held: Vec<(Duration, u16)>,
    /// How long to wait before the next attempt to connect; none after success.
    pause: Option<Duration>,
}

impl Purpose {
    /// Says how much is sent at once.
    pub(super) fn limits(self) -> Limits {
        match self {
            Self::Write => Limits { calls: 512, bytes: 1024 * 1024, calls_of_slot: 64 },
            // Their answers are long.
            Self::Settled | Self::Master | Self::Replica => {
                Limits { calls: 256, bytes: 1024 * 1024, calls_of_slot: 256 }
            }
        }
    }
}

impl Lane {
    /// Makes one that is not connected yet.
    pub(super) fn new(lanes: Arc<Lanes>, node: NodeId, wake: Arc<Notify>, stop: CancellationToken) -> Self {
        let (connection, epoch_at, held, pause) = (None, Duration::ZERO, Vec::new(), None);
        Self { lanes, node, wake, stop, connection, epoch_at, held, pause }
    }

    /// Runs until the node has no slots any more, or the store is closed.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            self.release_due(self.lanes.shared.now());
            let batch = self.lanes.take(&self.node);
            if batch.is_empty() {
                stop.run_until_cancelled(self.idle()).await;
                continue;
            }
            match stop.run_until_cancelled(self.send(&batch)).await {
                Some(Ok(answers)) => self.settle(batch, answers),
                Some(Err(failure)) => {
                    self.failed(&failure);
                    self.put_back(batch);
                    stop.run_until_cancelled(self.rest()).await;
                }
                // What was sent may arrive all the same: a connection that is dropped shows nobody the answers.
                None => self.put_back(batch),
            }
        }
        self.connection = None;
        self.release_due(Duration::MAX);
    }

    /// Waits until there is something to do.
    async fn idle(&self) {
        let due = self.held.iter().map(|(until, _)| *until).min();
        match due {
            Some(until) => {
                let left = until.saturating_sub(self.lanes.shared.now());
                timeout(left, self.wake.notified()).await.ok();
            }
            None => self.wake.notified().await,
        }
    }

    /// Sends a batch and gives what came back.
    async fn send(&mut self, batch: &[Taken<Pending>]) -> Result<batch::Answers, Failure> {
        self.connect().await?;
        let manner = self.manner();
        let Some(connection) = &mut self.connection else { return Err(Failure::Silent) };
        let place =
            Place { node: connection.node.clone(), epoch: connection.epoch, loaded: &mut connection.loaded };
        let encoded = Encoded::new(batch, place, manner);
        let exchange = connection.exchange(&encoded.bytes, encoded.answers());
        let values = timeout(ANSWER, exchange).await.unwrap_or(Err(Failure::Silent))?;
        Ok(encoded.take_apart(values))
    }

    fn manner(&self) -> Manner {
        let acks = self.lanes.shared.acks;
        let milliseconds = u64::try_from(WAIT.as_millis()).unwrap_or(u64::MAX);
        let wait = (acks > 0).then_some((acks, milliseconds));
        match self.lanes.purpose {
            Purpose::Write => Manner { transactions: true, wait },
            Purpose::Settled => Manner { transactions: false, wait },
            Purpose::Master | Purpose::Replica => Manner { transactions: false, wait: None },
        }
    }

    /// Connects, or makes sure that the connection knows the node's epoch.
    async fn connect(&mut self) -> Result<(), Failure> {
        let shared = &self.lanes.shared;
        let now = shared.now();
        match &mut self.connection {
            Some(connection) => {
                if self.lanes.purpose == Purpose::Write && now.saturating_sub(self.epoch_at) >= EPOCH_AGE {
                    timeout(ANSWER, connection.ask_epoch()).await.unwrap_or(Err(Failure::Silent))?;
                    self.epoch_at = now;
                }
            }
            None => {
                let mut connection = shared.connect_to(&self.node).await?;
                if self.lanes.purpose == Purpose::Replica {
                    connection.command(&[b"READONLY"]).await?;
                }
                tracing::debug!(node = %self.node, purpose = ?self.lanes.purpose, "connected to redis");
                (self.connection, self.epoch_at, self.pause) = (Some(connection), now, None);
            }
        }
        Ok(())
    }

    /// Answers what is certain, and puts the rest back.
    fn settle(&mut self, batch: Vec<Taken<Pending>>, answers: batch::Answers) {
        let acks = u64::from(self.lanes.shared.acks);
        let waits = self.manner().wait.is_some();
        let acknowledged = !waits || answers.replicas.is_some_and(|replicas| replicas >= acks);
        if !acknowledged {
            self.lanes.shared.short_of_replicas(&self.node, answers.replicas);
        }
        let mut values = answers.calls.into_iter();
        for Taken { slot, calls } in batch {
            let values = values.by_ref().take(calls.len()).collect();
            let outcome = exchange::settle(&self.lanes, calls, values, acknowledged);
            self.apply(slot, outcome);
        }
    }

    fn apply(&mut self, slot: u16, outcome: Outcome) {
        let shared = &self.lanes.shared;
        if outcome.forget_scripts
            && let Some(connection) = &mut self.connection
        {
            connection.loaded.clear();
        }
        if let Some(to) = &outcome.moved {
            shared.moved(slot, to);
        }
        if outcome.refresh {
            shared.refresh();
        }
        self.lanes.give_back(slot, outcome.again);
        match outcome.pause {
            Some(pause) => self.held.push((shared.now() + pause, slot)),
            None => self.lanes.release(slot),
        }
    }

    /// Lets slots go whose time has come.
    fn release_due(&mut self, now: Duration) {
        let lanes = &self.lanes;
        self.held.retain(|(until, slot)| {
            let waits = *until > now;
            if !waits {
                lanes.release(*slot);
            }
            waits
        });
    }

    fn put_back(&mut self, batch: Vec<Taken<Pending>>) {
        for Taken { slot, mut calls } in batch {
            for pending in &mut calls {
                pending.ask = None;
            }
            self.lanes.give_back(slot, calls);
            self.lanes.release(slot);
        }
    }

    fn failed(&mut self, failure: &Failure) {
        let was_connected = self.connection.take().is_some();
        self.lanes.shared.refresh();
        if was_connected || self.pause.is_none() {
            tracing::warn!(node = %self.node, purpose = ?self.lanes.purpose, %failure, "redis is not reachable");
        }
        self.pause = Some(match self.pause {
            // A broken connection may be opened again at once.
            None if was_connected => Duration::ZERO,
            None | Some(Duration::ZERO) => PAUSES.0,
            Some(pause) => (pause * 2).min(PAUSES.1),
        });
    }

    async fn rest(&self) {
        sleep(self.pause.unwrap_or_default()).await;
    }
}
