//! Sending hints to other shards: in order, gathered into batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Inbox, Tasks};
use protocol::Shard;
use protocol::hint::{Envelope, Hint};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// How many hints to one shard may wait; those beyond are lost, which costs their receivers a sweep.
const MAX_WAITING: usize = 65_536;
/// How many hints go in one batch.
const MAX_BATCH: usize = 256;

/// Sends hints.
pub(crate) struct Forward {
    inbox: Arc<dyn Inbox>,
    metrics: Arc<Metrics>,
    tasks: Tasks,
    stop: CancellationToken,
    queues: Mutex<BTreeMap<Shard, mpsc::Sender<Bytes>>>,
}

impl Forward {
    pub(crate) fn new(
        inbox: Arc<dyn Inbox>,
        metrics: Arc<Metrics>,
        tasks: Tasks,
        stop: CancellationToken,
    ) -> Self {
        Self { inbox, metrics, tasks, stop, queues: Mutex::default() }
    }

    /// Sends a hint to shards, after those that were sent to them before.
    pub(crate) fn hint(&self, shards: &[Shard], epoch: u64, hint: Hint) {
        self.envelope(shards, &Envelope { epoch, passed_on: false, hint });
    }

    /// Sends a hint that came by an older table on to the owners of today, once.
    pub(crate) fn pass_on(&self, shards: &[Shard], epoch: u64, hint: Hint) {
        self.envelope(shards, &Envelope { epoch, passed_on: true, hint });
    }

    fn envelope(&self, shards: &[Shard], envelope: &Envelope) {
        if shards.is_empty() {
            return;
        }
        let bytes = envelope.encode();
        for shard in shards {
            match self.queue(shard).try_send(bytes.clone()) {
                Ok(()) => self.metrics.forwarded.inc(),
                Err(_) => self.metrics.hints_dropped.inc(),
            }
        }
    }

    fn queue(&self, shard: &Shard) -> mpsc::Sender<Bytes> {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get(shard) {
            return queue.clone();
        }
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        queues.insert(shard.clone(), sender.clone());
        let publish = publish(self.inbox.clone(), shard.clone(), receiver, self.metrics.clone());
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(publish));
        sender
    }
}

async fn publish(
    inbox: Arc<dyn Inbox>,
    shard: Shard,
    mut queue: mpsc::Receiver<Bytes>,
    metrics: Arc<Metrics>,
) {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let count = batch.len();
        if let Err(error) = inbox.publish(&shard, std::mem::take(&mut batch)).await {
            // Hints may be lost: the receivers' sweep reads the log.
            metrics.hints_dropped.inc_by(count as u64);
            tracing::warn!(%error, %shard, count, "cannot publish hints");
        }
    }
}
