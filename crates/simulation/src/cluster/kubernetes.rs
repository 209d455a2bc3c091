//! What Kubernetes shows of the shards: late, and each watcher by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use ports::{FoundShard, ShardState, Shards};
use protocol::{Service, Shard};
use registry::StaticDiscovery;

use crate::dice::Dice;

/// The list of the shards, and who watches it.
pub(super) struct Kubernetes(Arc<Inner>);

struct Inner {
    dice: Dice,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shards: BTreeMap<String, FoundShard>,
    crashed: BTreeSet<String>,
    hidden: BTreeSet<String>,
    /// Each process that watches, by name, with a count of what it was told.
    watchers: BTreeMap<String, Arc<StaticDiscovery>>,
}

impl Kubernetes {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Arc::new(Inner { dice, state: Mutex::default() }))
    }

    /// Gives a process what it sees of the list; a restart begins anew.
    pub(super) fn watch(&self, process: &str) -> Arc<StaticDiscovery> {
        let mut state = self.0.state.lock();
        let discovery = Arc::new(StaticDiscovery::new(state.list()));
        state.watchers.insert(process.to_owned(), discovery.clone());
        discovery
    }

    /// Shows a shard as being so.
    pub(super) fn show(&self, service: Service, name: &str, shown: ShardState) {
        let Ok(shard) = Shard::new(name) else { return };
        let found = FoundShard {
            shard,
            service,
            url: format!("ws://{name}:80"),
            operator_url: Some(format!("http://{name}:81")),
            state: shown,
            weight: 100,
        };
        self.change(|state| {
            state.crashed.remove(name);
            state.shards.insert(name.to_owned(), found);
        });
    }

    /// Takes a shard that died out of the list, until it is shown again.
    pub(super) fn crashed(&self, name: &str) {
        self.change(|state| {
            state.crashed.insert(name.to_owned());
        });
    }

    /// Forgets a shard.
    pub(super) fn forget(&self, name: &str) {
        self.change(|state| {
            state.shards.remove(name);
        });
    }

    /// Shows a shard as gone though it is there, or as it is.
    pub(super) fn hide(&self, name: &str, hidden: bool) {
        self.change(|state| {
            if hidden {
                state.hidden.insert(name.to_owned());
            } else {
                state.hidden.remove(name);
            }
        });
    }

    /// Changes the list; each watcher learns of it at another time, and of the newest state then.
    #[expect(clippy::disallowed_methods, reason = "a task of the world, not of a process")]
    fn change(&self, change: impl FnOnce(&mut State)) {
        let watchers: Vec<String> = {
            let mut state = self.0.state.lock();
            change(&mut state);
            state.watchers.keys().cloned().collect()
        };
        for watcher in watchers {
            let (inner, late) = (self.0.clone(), self.0.dice.millis(20..=2_000));
            tokio::spawn(async move {
                tokio::time::sleep(late).await;
                let state = inner.state.lock();
                if let Some(discovery) = state.watchers.get(&watcher) {
                    discovery.set(state.list());
                }
            });
        }
    }
}

impl State {
    fn list(&self) -> Shards {
        let gone = |name: &String| self.crashed.contains(name) || self.hidden.contains(name);
        self.shards.iter().filter(|(name, _)| !gone(name)).map(|(_, found)| found.clone()).collect()
    }
}
