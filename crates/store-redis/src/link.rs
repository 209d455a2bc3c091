//! The way to the cluster: where its slots are, connections to its nodes, and calls that are retried until their deadline.
//!
//! Each node has a lane for each [`Purpose`]: a task with a connection of its own, which sends the calls that wait as one pipeline, with one
//! WAIT for all of them where it matters, and answers them together. `queue` keeps the order of the calls of a slot, `topology` says
//! where a slot is, `refresh` keeps that right by what nodes say (`view`), and `verdict` says what an error of Redis means for a call.

mod address;
mod batch;
mod call;
mod connection;
mod exchange;
mod lane;
mod lanes;
mod queue;
mod refresh;
mod settings;
mod tls;
mod topology;
mod verdict;
mod view;

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::future::join_all;
use ports::{Error, Result};
use redis::Value;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use self::call::{Call, Floor};
pub(crate) use self::connection::{Connection, Failure};
pub(crate) use self::lanes::Answered;
use self::lanes::{Lanes, Pending};
pub(crate) use self::refresh::{Settling, Shared};
pub(crate) use self::topology::Topology;
use crate::{OpenError, Options};

/// The way to the cluster. Clones are the same.
#[derive(Clone)]
pub(crate) struct Link(Arc<Parts>);

struct Parts {
    shared: Arc<Shared>,
    writes: Arc<Lanes>,
    settled: Arc<Lanes>,
    masters: Arc<Lanes>,
    replicas: Arc<Lanes>,
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Writes: in order, and answered once the replicas have them.
    Write,
    /// Reads of what the replicas have, too.
    Settled,
    /// Reads of what the master has.
    Master,
    /// Reads of what a replica has.
    Replica,
}

/// What a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// What the master has, even if a failover may still take it back.
    Master,
    /// What the master has, once as many replicas have it as acknowledge a write: nothing that a failover may still take back.
    Settled,
    /// What a replica has: nothing that a failover may still take back, but perhaps not the newest. Or what the master has, once all of its
    /// replicas have failed.
    Replica,
}

impl Link {
    /// Finds the cluster.
    pub(crate) async fn open(options: &Options) -> std::result::Result<Self, OpenError> {
        let shared = Shared::open(options).await?;
        let lanes = |purpose| Lanes::new(purpose, shared.clone());
        let parts = Parts {
            writes: lanes(Purpose::Write),
            settled: lanes(Purpose::Settled),
            masters: lanes(Purpose::Master),
            replicas: lanes(Purpose::Replica),
            shared,
        };
        let all = [&parts.writes, &parts.settled, &parts.masters, &parts.replicas].map(Arc::clone);
        parts.shared.clone().keep_fresh(all.to_vec());
        Ok(Self(Arc::new(parts)))
    }

    /// Runs a script on the master of its slot, and gives its answer once as many replicas have it as the options say.
    ///
    /// It is queued before the future is first polled, in the order of the calls of a slot, and runs even if the future is dropped. It may run
    /// more than once: it is repeated until its answer is certain, so it must be idempotent. `Unavailable` means in doubt.
    pub(crate) fn write(&self, call: Call) -> BoxFuture<'static, Result<Value>> {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may have gone.
        self.submit(call, move |answer| drop(sender.send(answer)));
        Box::pin(async move { receiver.await.unwrap_or_else(|_| Err(closed())) })
    }

    /// Does the same and calls `answered` with the answer, in the order in which calls of one slot have run.
    pub(crate) fn submit(&self, call: Call, answered: impl FnOnce(Result<Value>) + Send + Sync + 'static) {
        self.0.writes.push(Pending::new(call, self.0.shared.deadline(), Box::new(answered)));
    }

    /// Runs a script that only reads, or a command that does.
    pub(crate) async fn read(&self, call: Call, from: ReadFrom) -> Result<Value> {
        self.begin_read(call, from, self.0.shared.patience).await
    }

    /// Does the same, and gives up after a time of its own.
    pub(crate) async fn read_within(&self, call: Call, from: ReadFrom, patience: Duration) -> Result<Value> {
        self.begin_read(call, from, patience).await
    }

    /// Runs many at once, in one pipeline a node, and gives their answers in order.
    pub(crate) async fn read_many(&self, calls: Vec<Call>, from: ReadFrom) -> Result<Vec<Value>> {
        self.read_each(calls, from).await.into_iter().collect()
    }

    /// Runs many at once, where one that fails is not to hold the others up.
    pub(crate) async fn read_each(&self, calls: Vec<Call>, from: ReadFrom) -> Vec<Result<Value>> {
        let patience = self.0.shared.patience;
        let reads: Vec<_> = calls.into_iter().map(|call| self.begin_read(call, from, patience)).collect();
        join_all(reads).await
    }

    /// Runs a script on the master of its slot without waiting for replicas: for what may be lost. It may run more than once.
    pub(crate) async fn tell(&self, call: Call, patience: Duration) -> Result<Value> {
        self.begin_read(call, ReadFrom::Master, patience).await
    }

    /// Says whether it can be proved that what a call reads lasts.
    pub(crate) fn settling(&self, call: &Call) -> Settling {
        self.0.shared.settling(call.slot())
    }

    /// Gives where the slots are, and tells of changes.
    pub(crate) fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.0.shared.topology()
    }

    /// Opens a connection to the master of a slot, for what blocks.
    pub(crate) async fn connect(&self, slot: u16) -> std::result::Result<Connection, Failure> {
        self.0.shared.connect_to_master(slot).await
    }

    /// Has the topology read anew soon.
    pub(crate) fn refresh(&self) {
        self.0.shared.refresh();
    }

    /// Says whether no node was reachable, or a slot had none, when the topology was last read.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.shared.is_whole()
    }

    /// Gives what ends the lanes and the other tasks of the store.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.0.shared.stop.clone()
    }

    fn begin_read(
        &self,
        call: Call,
        from: ReadFrom,
        patience: Duration,
    ) -> impl Future<Output = Result<Value>> + use<> {
        let lanes = match from {
            ReadFrom::Master => &self.0.masters,
            ReadFrom::Settled => &self.0.settled,
            ReadFrom::Replica => &self.0.replicas,
        };
        let (sender, receiver) = oneshot::channel();
        let answered = move |answer| drop(sender.send(answer));
        let deadline = self.0.shared.now() + patience;
        lanes.push(Pending::new(call, deadline, Box::new(answered)));
        async move { receiver.await.unwrap_or_else(|_| Err(closed())) }
    }
}

/// Says that the store was closed.
pub(crate) fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}
