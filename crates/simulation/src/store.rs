//! The store of a simulated world: what the store in production does, in memory, with the faults that it has.
//!
//! [`SimStore`] is the store and [`StoreHandle`] a process's way to it, which is all ports; `data` is what it holds, `state` how that
//! is changed, and a file for each port what the port does. `past` and `loss` are how a part of it comes back as it was;
//! `agenda` and `held` are what is under way.

mod accounts;
mod agenda;
mod contacts;
mod conversations;
mod data;
mod devices;
mod documents;
mod handle;
mod held;
mod inbox;
mod log;
mod logins;
mod loss;
mod map;
mod outbox;
mod partition;
mod past;
mod presences;
mod sabotage;
#[cfg(test)]
mod scene;
mod state;
mod trouble;
mod truth;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::defect::Defect;
use crate::dice::Dice;
use crate::history::History;

use self::agenda::Agenda;
pub use self::handle::StoreHandle;
use self::held::Held;
use self::inbox::Inboxes;
use self::outbox::Bells;
pub use self::partition::PARTITIONS;
use self::state::State;
use self::trouble::Troubles;
pub use self::trouble::{HintFaults, Trouble};
pub use self::truth::{TrueConversation, Truth};

/// The store. Clones are the same.
#[derive(Clone)]
pub struct SimStore(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    inboxes: Arc<Inboxes>,
    outbox_bells: Arc<Bells>,
    troubles: Mutex<Troubles>,
    held: Held,
    agenda: Agenda,
    dice: Dice,
}

impl SimStore {
    /// Makes an empty store without faults, which writes down in `history` what it takes.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(dice: Dice, history: History) -> Self {
        let (agenda, outbox_bells) = (Agenda::new(), Arc::new(Bells::default()));
        let (identifiers, hints) = (dice.between(0..=u64::MAX), branch(&dice, "hints"));
        Self(Arc::new(Inner {
            state: Mutex::new(State::new(identifiers, history, outbox_bells.clone())),
            inboxes: Arc::new(Inboxes::new(hints, agenda.clone())),
            outbox_bells,
            troubles: Mutex::default(),
            held: Held::default(),
            agenda,
            dice,
        }))
    }

    /// Gives a process its way to the store.
    pub fn handle(&self, process: &str) -> Arc<StoreHandle> {
        Arc::new(StoreHandle::new(self.clone(), process, branch(&self.0.dice, process)))
    }

    /// Gives a way without delays and faults, for setting the scene: what is changed through it counts as having always been there,
    /// and no loss goes back behind it.
    pub fn direct(&self) -> Arc<StoreHandle> {
        Arc::new(StoreHandle::direct(self.clone(), branch(&self.0.dice, "direct")))
    }

    /// Says what is wrong between a process and the store from now on, or with `*` between all processes and the store: what was said
    /// of single ones before is void then.
    pub fn trouble(&self, process: &str, trouble: Trouble) {
        let released = {
            let mut troubles = self.0.troubles.lock();
            troubles.set(process, trouble);
            self.0.held.release(|process| !troubles.of(process).down)
        };
        for call in released {
            call(self, true);
        }
    }

    /// Gives the store a defect.
    pub fn put_in(&self, defect: Defect) {
        self.0.state.lock().defect = Some(defect);
    }

    /// Says what happens to hints from now on.
    pub fn hints(&self, faults: HintFaults) {
        self.0.inboxes.set_faults(faults);
    }

    /// Lets a partition come back as it was so long ago, to a quarter of a second, whatever it has acknowledged since. What is appended
    /// there from now on has a greater generation. It goes back ten seconds at most.
    pub fn lose_tail(&self, partition: usize, millis: u64) {
        self.0.state.lock().lose_tail(partition % PARTITIONS, Duration::from_millis(millis));
    }

    /// Gives what the store holds.
    pub fn truth(&self) -> Truth {
        self.0.state.lock().truth()
    }

    /// Lets something be done after a while, or at once.
    fn after(&self, delay: Duration, act: impl FnOnce() + Send + 'static) {
        if delay.is_zero() {
            act();
        } else {
            self.0.agenda.at(Instant::now() + delay, act);
        }
    }
}

/// Gives a part a stream of its own, so that what it draws changes nothing for the others.
fn branch(dice: &Dice, part: &str) -> Dice {
    Dice::new(dice.between(0..=u64::MAX), part)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use ports::{Inbox, Log};
    use protocol::Shard;

    use super::scene::{Scene, message};
    use super::*;

    #[test]
    fn nothing_is_left_of_a_world_that_has_ended() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.unwrap();
        let store = runtime.block_on(async {
            let scene = Scene::set(1).await;
            let id = scene.conversation().await;
            scene.store.hints(HintFaults { delayed: 1.0, delay_ms: 10..=10, ..HintFaults::default() });
            let shard = Shard::new("chat-1").unwrap();
            scene.handle.publish(&shard, vec!["late".into()]).await.unwrap();
            scene.store.trouble("*", Trouble { delay_ms: 10..=10, ..Trouble::default() });
            drop(scene.handle.append(message(id, "ada", "under-way")));
            scene.store.trouble("chat-1", Trouble { down: true, ..Trouble::default() });
            drop(scene.store.handle("chat-1").append(message(id, "ada", "hanging")));
            Arc::downgrade(&scene.store.0)
        });
        assert!(store.upgrade().is_some());
        drop(runtime);
        assert!(store.upgrade().is_none());
    }
}
