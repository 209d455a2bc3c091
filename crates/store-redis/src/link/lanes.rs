//! The lanes of one purpose: what waits for them, and a lane for each node that has something to do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ports::{Error, Result};
use redis::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Purpose;
use super::call::Call;
use super::closed;
use super::lane::Lane;
use super::queue::{Queue, Queued, Taken};
use super::refresh::Shared;
use super::topology::{NodeId, Topology};

/// What is called with the answer of a call.
pub(crate) type Answered = Box<dyn FnOnce(Result<Value>) + Send + Sync>;

/// A call that waits for its answer.
pub(super) struct Pending {
    /// The call.
    pub(super) call: Call,
    /// The node that is to be asked instead of the slot's, once.
    pub(super) ask: Option<NodeId>,
    deadline: Duration,
    size: usize,
    answered: Answered,
}

/// The lanes of one purpose.
pub(super) struct Lanes {
    /// What they are for.
    pub(super) purpose: Purpose,
    /// What all purposes share.
    pub(super) shared: Arc<Shared>,
    queue: Mutex<Queue<Pending>>,
    running: Mutex<HashMap<NodeId, Running>>,
}

/// A lane, seen from outside.
struct Running {
    wake: Arc<Notify>,
    stop: CancellationToken,
}

impl Pending {
    /// Makes one.
    pub(super) fn new(call: Call, deadline: Duration, answered: Answered) -> Self {
        Self { size: call.size(), call, ask: None, deadline, answered }
    }

    /// Answers it.
    pub(super) fn answer(self, answer: Result<Value>) {
        (self.answered)(answer);
    }
}

impl Queued for Pending {
    fn size(&self) -> usize {
        self.size
    }

    fn deadline(&self) -> Duration {
        self.deadline
    }

    fn ask(&self) -> Option<&NodeId> {
        self.ask.as_ref()
    }
}

impl Lanes {
    /// Makes them; none runs yet.
    pub(super) fn new(purpose: Purpose, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            purpose,
            shared,
            queue: Mutex::new(Queue::new()),
            running: Mutex::new(HashMap::new()),
        })
    }

    /// Queues a call, or answers it at once if there is no room.
    pub(super) fn push(self: &Arc<Self>, pending: Pending) {
        if self.shared.stop.is_cancelled() {
            return pending.answer(Err(closed()));
        }
        let topology = self.shared.current();
        let mut queue = self.queue.lock();
        let (calls, bytes) = queue.load();
        let (most_calls, most_bytes) = self.shared.room;
        if calls >= most_calls || (calls > 0 && bytes + pending.size > most_bytes) {
            drop(queue);
            let full = "too much waits to be sent to redis".to_owned();
            return pending.answer(Err(Error::Unavailable(full)));
        }
        let slot = pending.call.slot();
        let woken = queue.push(slot, pending, |slot, _| self.route(&topology, slot));
        drop(queue);
        if let Some(node) = woken {
            self.wake(&node);
        }
    }

    /// Takes what waits for a node.
    pub(super) fn take(&self, node: &NodeId) -> Vec<Taken<Pending>> {
        self.queue.lock().take(node, self.purpose.limits())
    }

    /// Puts calls that were taken back in front, in order, and answers those that have been tried for too long.
    pub(super) fn give_back(&self, slot: u16, calls: Vec<Pending>) {
        let now = self.shared.now();
        let (over, left): (Vec<_>, Vec<_>) = calls.into_iter().partition(|pending| pending.deadline <= now);
        self.queue.lock().give_back(slot, left.into_iter());
        for pending in over {
            self.answer(pending, Err(late()));
        }
    }

    /// Counts a call that is put back although it was never queued.
    pub(super) fn added(&self, pending: &Pending) {
        self.queue.lock().added(pending);
    }

    /// Answers a call that was taken.
    pub(super) fn answer(&self, pending: Pending, answer: Result<Value>) {
        self.queue.lock().answered(pending.size);
        pending.answer(answer);
    }

    /// Lets a slot go that was held.
    pub(super) fn release(self: &Arc<Self>, slot: u16) {
        let topology = self.shared.current();
        let woken = self.queue.lock().release(slot, |slot, _| self.route(&topology, slot));
        if let Some(node) = woken {
            self.wake(&node);
        }
    }

    /// Sends what waits to where its slots are now, and ends the lanes that have nothing to do there any more.
    pub(super) fn follow(self: &Arc<Self>, topology: &Topology) {
        let gone: Vec<Running> = {
            let mut running = self.running.lock();
            let is_gone = |id: &NodeId| !self.serves(topology, id);
            let gone: Vec<NodeId> = running.keys().filter(|id| is_gone(id)).cloned().collect();
            gone.iter().filter_map(|id| running.remove(id)).collect()
        };
        for lane in gone {
            lane.stop.cancel();
        }
        let woken = self.queue.lock().reroute(|slot, _| self.route(topology, slot));
        for node in woken {
            self.wake(&node);
        }
    }

    /// Answers what has waited too long.
    pub(super) fn expire(&self, now: Duration) {
        let expired = self.queue.lock().expire(now);
        for pending in expired {
            pending.answer(Err(late()));
        }
    }

    /// Answers everything that waits, because the store is closed.
    pub(super) fn close(&self) {
        let waiting = self.queue.lock().expire(Duration::MAX);
        for pending in waiting {
            pending.answer(Err(closed()));
        }
    }

    fn serves(&self, topology: &Topology, id: &NodeId) -> bool {
        match self.purpose {
            Purpose::Replica => topology.node(id).is_some(),
            _ => topology.is_owner(id),
        }
    }

    /// Gives the node that calls of a slot are sent to.
    fn route(&self, topology: &Topology, slot: u16) -> NodeId {
        let Some(owner) = topology.owner(slot) else { return NodeId::nowhere() };
        if self.purpose != Purpose::Replica {
            return owner.clone();
        }
        let replicas: Vec<&NodeId> = topology.replicas(owner).collect();
        // The same one for a slot, so that what is read later is not older.
        let chosen = usize::from(slot).checked_rem(replicas.len()).and_then(|index| replicas.get(index));
        match chosen {
            Some(replica) => (*replica).clone(),
            None if topology.is_alone(owner) => owner.clone(),
            None => NodeId::nowhere(),
        }
    }

    /// Wakes the lane of a node, and starts it if there is none.
    fn wake(self: &Arc<Self>, node: &NodeId) {
        if node.is_nowhere() {
            return self.shared.refresh();
        }
        let mut running = self.running.lock();
        let lane = running.entry(node.clone()).or_insert_with(|| {
            let (wake, stop) = (Arc::new(Notify::new()), self.shared.stop.child_token());
            let lane = Lane::new(self.clone(), node.clone(), wake.clone(), stop.clone());
            self.shared.tasks.spawn(lane.run());
            Running { wake, stop }
        });
        lane.wake.notify_one();
    }
}

/// Says that a call was tried until its deadline. It may have been carried out, or may be yet.
fn late() -> Error {
    Error::Unavailable("redis did not answer in time".to_owned())
}
