//! A process's way to the store.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_core::future::BoxFuture;
use parking_lot::Mutex;
use ports::{Error, Result};
use protocol::{ConversationId, Shard};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::SimStore;
use super::held::Call;
use super::sabotage::Sabotage;
use super::state::State;
use super::trouble::Trouble;
use crate::dice::Dice;

/// How long a call hangs at most while the store is down.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process's way to the store: all ports.
///
/// A call is out of the process's hands once it is made: whether the process is frozen, dead or no longer waiting, it reaches the store.
pub struct StoreHandle {
    pub(super) store: SimStore,
    pub(super) process: String,
    pub(super) dice: Dice,
    pub(super) is_direct: bool,
    pub(super) sabotage: Mutex<Sabotage>,
    /// When the last call of each lane reaches the store.
    lanes: Mutex<BTreeMap<Lane, Instant>>,
}

/// Calls in one lane reach the store in the order in which they are made; others may overtake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Appends to a conversation.
    Conversation(ConversationId),
    /// News for a shard.
    Shard(Shard),
}

/// What becomes of a call.
struct Passage {
    there: Duration,
    back: Duration,
    refused: bool,
    doubt: bool,
}

impl StoreHandle {
    /// Makes the way of a process.
    pub(super) fn new(store: SimStore, process: &str, dice: Dice) -> Self {
        Self {
            store,
            process: process.to_owned(),
            dice,
            is_direct: false,
            sabotage: Mutex::default(),
            lanes: Mutex::default(),
        }
    }

    /// Makes a way without delays and faults.
    pub(super) fn direct(store: SimStore, dice: Dice) -> Self {
        Self { is_direct: true, ..Self::new(store, "direct", dice) }
    }

    /// Makes a call at once, and gives a future of its outcome.
    pub(super) fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        self.send(None, act)
    }

    /// Makes a call at once that no later one of the same lane overtakes.
    pub(super) fn call_in_order<T: Send + 'static>(
        &self,
        lane: Lane,
        act: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        self.send(Some(lane), act)
    }

    fn send<T: Send + 'static>(
        &self,
        lane: Option<Lane>,
        act: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        if self.is_direct {
            let outcome = self.store.0.state.lock().always(act);
            return Box::pin(std::future::ready(outcome));
        }
        let Passage { there, back, refused, doubt } = self.passage();
        let (sender, answer) = oneshot::channel();
        let call: Call = Box::new(move |store, arrives| {
            let outcome = if arrives && !refused {
                act(&mut store.0.state.lock())
            } else {
                Err(unavailable("refuses"))
            };
            let outcome = if doubt { Err(unavailable("gives no answer")) } else { outcome };
            // Whoever asked may be gone.
            store.after(back, move || drop(sender.send(outcome)));
        });
        match self.arrival(lane, there) {
            None => self.store.arrive(&self.process, call),
            Some(due) => {
                let (store, process) = (self.store.clone(), self.process.clone());
                self.store.0.agenda.at(due, move || store.arrive(&process, call));
            }
        }
        Box::pin(async move { answer.await.unwrap_or_else(|_| Err(unavailable("is gone"))) })
    }

    fn passage(&self) -> Passage {
        let Trouble { delay_ms, refused, doubt, .. } = self.store.0.troubles.lock().of(&self.process).clone();
        Passage {
            there: self.dice.millis(delay_ms.clone()),
            back: self.dice.millis(delay_ms),
            refused: self.dice.chance(refused),
            doubt: self.dice.chance(doubt),
        }
    }

    /// Gives when a call arrives that takes so long: after those of its lane that are under way; nothing if that is now.
    fn arrival(&self, lane: Option<Lane>, there: Duration) -> Option<Instant> {
        let now = Instant::now();
        let mut due = now + there;
        if let Some(lane) = lane {
            let mut lanes = self.lanes.lock();
            let last = lanes.get(&lane).copied().filter(|last| *last >= now);
            if last.is_none() && there.is_zero() {
                return None;
            }
            due = last.map_or(due, |last| last.max(due));
            lanes.insert(lane, due);
            return Some(due);
        }
        (due > now).then_some(due)
    }
}

impl SimStore {
    /// Does a call that has arrived, or lets it hang.
    fn arrive(&self, process: &str, call: Call) {
        if !self.0.troubles.lock().of(process).down {
            return call(self, true);
        }
        let number = self.0.held.hold(process, call);
        let store = self.clone();
        self.0.agenda.at(Instant::now() + PATIENCE, move || {
            if let Some(call) = store.0.held.take(number) {
                call(&store, false);
            }
        });
    }
}

fn unavailable(what: &str) -> Error {
    Error::Unavailable(format!("the simulated store {what}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use futures_util::future::join_all;
    use ports::{Appended, Conversations, Log};

    use super::*;
    use crate::history;
    use crate::store::partition::Placed;
    use crate::store::scene::{Scene, message, name, pass};

    fn seq(appended: Result<Appended>) -> u64 {
        appended.unwrap().position.seq
    }

    fn is_unavailable<T>(outcome: &Result<T>) -> bool {
        matches!(outcome, Err(Error::Unavailable(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_takes_its_time_there_and_back() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        scene.store.trouble("*", Trouble { delay_ms: 10..=10, ..Trouble::default() });
        let appended = scene.handle.append(message(id, "ada", "m1"));
        pass(9).await;
        assert!(scene.store.truth().conversations[&id].events.is_empty());
        pass(2).await;
        assert_eq!(scene.store.truth().conversations[&id].events.len(), 1);
        let started = Instant::now();
        assert_eq!((seq(appended.await), started.elapsed().as_millis()), (1, 9));
    }

    #[tokio::test(start_paused = true)]
    async fn doubt_is_done_and_what_is_refused_is_not() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        scene.store.trouble("chat-0", Trouble { doubt: 1.0, ..Trouble::default() });
        assert!(is_unavailable(&scene.handle.append(message(id, "ada", "doubt")).await));
        scene.store.trouble("chat-0", Trouble { refused: 1.0, ..Trouble::default() });
        assert!(is_unavailable(&scene.handle.append(message(id, "ada", "refused")).await));
        // Another process has another way.
        assert_eq!(seq(scene.store.handle("chat-1").append(message(id, "ada", "other")).await), 2);
        scene.store.trouble("*", Trouble::default());
        let repeated = scene.handle.append(message(id, "ada", "doubt")).await.unwrap();
        assert_eq!((repeated.position.seq, repeated.duplicate), (1, true));
        let repeated = scene.handle.append(message(id, "ada", "refused")).await.unwrap();
        assert_eq!((repeated.position.seq, repeated.duplicate), (3, false));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_hang_while_the_store_is_down_and_keep_their_order() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        scene.store.trouble("*", Trouble { down: true, ..Trouble::default() });
        let started = Instant::now();
        let early = scene.handle.append(message(id, "ada", "early"));
        pass(1_000).await;
        let late: Vec<_> =
            ["a", "b", "c"].map(|request| scene.handle.append(message(id, "ada", request))).into();
        assert!(is_unavailable(&early.await));
        assert_eq!(started.elapsed(), PATIENCE);
        scene.store.trouble("*", Trouble::default());
        let late: Vec<u64> = join_all(late).await.into_iter().map(seq).collect();
        assert_eq!((late, started.elapsed()), (vec![1, 2, 3], PATIENCE));
        // What was given up is not done later on.
        pass(60_000).await;
        assert_eq!(seq(scene.handle.append(message(id, "ada", "early")).await), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_process_is_gone_is_done() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        scene.store.trouble("*", Trouble { delay_ms: 5..=50, ..Trouble::default() });
        let handle = scene.store.handle("chat-1");
        drop(handle.append(message(id, "ada", "m1")));
        drop(tokio::time::timeout(Duration::from_millis(1), handle.set_muted(id, &name("ben"), true)).await);
        drop(handle);
        pass(60).await;
        let conversation = &scene.store.truth().conversations[&id];
        assert_eq!((conversation.events.len(), conversation.muted.len()), (1, 1));
    }

    /// Lets three processes append and mark through a store that fails and loses, and gives the hash of what it took.
    async fn hash_of(seed: u64) -> u64 {
        let scene = Scene::set(seed).await;
        let id = scene.conversation().await;
        scene.store.trouble("*", Trouble { delay_ms: 0..=30, refused: 0.2, doubt: 0.2, down: false });
        let handles = ["chat-0", "chat-1", "chat-2"].map(|process| scene.store.handle(process));
        for round in 0..20 {
            let calls = handles.iter().enumerate().map(|(number, handle)| async move {
                handle.append(message(id, "ada", &format!("{round}-{number}"))).await.ok();
                handle.mark(id, &name("ben"), Some(round), None).await.ok();
            });
            join_all(calls).await;
            scene.store.lose_tail(id.partition(), 40);
        }
        history::hash(&scene.history.take())
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_seed_has_the_same_outcome() {
        let first = hash_of(1).await;
        assert_eq!(first, hash_of(1).await);
        assert_ne!(first, hash_of(2).await);
    }
}
