//! What all people share: the world around them, and who has not come to rest yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use protocol::Username;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::signal::Signal;
use crate::dice::Dice;
use crate::history::{CallId, ConnectionId, Happened, History};
use crate::network::Network;

/// What all people share.
pub(super) struct Shared {
    /// Between them and the processes.
    pub(super) network: Network,
    /// Where they write down what happens.
    pub(super) history: History,
    /// Who there is.
    pub(super) everybody: Vec<Username>,
    /// Where their tasks run.
    pub(super) tasks: TaskTracker,
    /// How many replicas the api role has.
    apis: u64,
    connections: AtomicU32,
    calls: AtomicU32,
    quiet: Signal<bool>,
    /// What each device and each call still waits for.
    unsettled: watch::Sender<BTreeMap<String, &'static str>>,
    /// Calls that people want answered before they rest.
    open_calls: Mutex<u32>,
}

impl Shared {
    pub(super) fn new(network: Network, history: History, everybody: Vec<Username>, apis: u64) -> Arc<Self> {
        Arc::new(Self {
            network,
            history,
            everybody,
            tasks: TaskTracker::new(),
            apis: apis.max(1),
            connections: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            quiet: Signal::new(false),
            unsettled: watch::Sender::new(BTreeMap::new()),
            open_calls: Mutex::new(0),
        })
    }

    /// Writes down what happened.
    pub(super) fn note(&self, what: Happened) {
        self.history.note(what);
    }

    /// Numbers a connection, from 1.
    pub(super) fn next_connection(&self) -> ConnectionId {
        ConnectionId(1 + self.connections.fetch_add(1, Ordering::Relaxed))
    }

    /// Numbers a call, from 1, and counts it as open.
    pub(super) fn begin_call(&self) -> CallId {
        let mut open = self.open_calls.lock();
        *open += 1;
        self.report("the calls", Some("are not all answered"));
        CallId(1 + self.calls.fetch_add(1, Ordering::Relaxed))
    }

    /// Counts a call as answered, or given up.
    pub(super) fn end_call(&self) {
        let mut open = self.open_calls.lock();
        *open -= 1;
        if *open == 0 {
            self.report("the calls", None);
        }
    }

    /// Gives the address of one of the replicas of the api role.
    pub(super) fn api(&self, dice: &Dice) -> String {
        format!("api-{}:80", dice.between(0..=self.apis - 1))
    }

    /// Says whether nobody does anything new any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.get()
    }

    pub(super) fn be_quiet(&self) {
        self.quiet.change(|quiet| *quiet = true);
    }

    /// Waits until nobody does anything new any more.
    pub(super) async fn quietened(&self) {
        let mut quiet = self.quiet.follow();
        while !quiet.see() {
            quiet.changed().await;
        }
    }

    /// Takes note of what somebody still waits for, if for anything.
    pub(super) fn report(&self, who: &str, why: Option<&'static str>) {
        self.unsettled.send_if_modified(|unsettled| match why {
            Some(why) if unsettled.get(who) == Some(&why) => false,
            Some(why) => {
                unsettled.insert(who.to_owned(), why);
                true
            }
            None => unsettled.remove(who).is_some(),
        });
    }

    /// Waits until nobody waits for anything.
    pub(super) async fn settled(&self) {
        // It cannot fail: the sender is in here.
        let _ = self.unsettled.subscribe().wait_for(BTreeMap::is_empty).await;
    }

    /// Says who waits for what.
    pub(super) fn unsettled(&self) -> String {
        let unsettled = self.unsettled.borrow();
        let lines: Vec<String> = unsettled.iter().map(|(who, why)| format!("{who} {why}")).collect();
        lines.join(", ")
    }
}
