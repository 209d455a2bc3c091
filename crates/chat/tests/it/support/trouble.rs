//! What can go wrong with a store: it refuses, its answers are lost, it is slow, or it stops in the middle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use ports::{Error, Result};
use protocol::ConversationId;
use tokio::sync::watch;

use super::Dice;

/// How many of a hundred calls fare how.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rates {
    /// Refused: nothing was done.
    pub(crate) refused: usize,
    /// Done, and the answer is lost.
    pub(crate) lost: usize,
    /// Slow: others come in between, before it is done and after.
    pub(crate) late: usize,
}

/// The trouble with a store.
pub(crate) struct Trouble {
    dice: Mutex<Dice>,
    rates: Mutex<Rates>,
    held: watch::Sender<Hold>,
    most_waiting: AtomicUsize,
    refused: AtomicUsize,
    calls: Mutex<BTreeMap<&'static str, usize>>,
    unreadable: Mutex<Option<ConversationId>>,
}

/// Which answers are held back.
#[derive(Clone, Default)]
struct Hold {
    call: Option<&'static str>,
    /// Tells holds apart: whoever waits under an earlier one goes on.
    number: u64,
    waiting: Arc<AtomicUsize>,
}

/// One who waits for an answer, until dropped.
struct Waiting(Arc<AtomicUsize>);

impl Trouble {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Mutex::new(Dice::new(seed)),
            rates: Mutex::default(),
            held: watch::Sender::default(),
            most_waiting: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            calls: Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    /// Lets calls fail from now on.
    pub(crate) fn set(&self, rates: Rates) {
        *self.rates.lock() = rates;
    }

    /// Holds back the answers of one kind of call from now on: they are done, and nobody learns of it. Answers that were held back before are given.
    pub(crate) fn hold(&self, call: &'static str) {
        self.replace(Some(call));
    }

    /// Gives the answers that were held back.
    pub(crate) fn release(&self) {
        self.replace(None);
    }

    fn replace(&self, call: Option<&'static str>) {
        self.held.send_modify(|hold| {
            *hold = Hold { call, number: hold.number + 1, waiting: Arc::default() };
        });
    }

    /// Waits until so many wait for an answer that is held back.
    pub(crate) async fn waiting(&self, count: usize) {
        while self.held.borrow().waiting.load(Ordering::SeqCst) != count {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until another call is refused.
    pub(crate) async fn refusing(&self) {
        let before = self.refused.load(Ordering::SeqCst);
        while self.refused.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
    }

    /// Gives how many have waited at once at most.
    pub(crate) fn most_waiting(&self) -> usize {
        self.most_waiting.load(Ordering::SeqCst)
    }

    /// Gives how often something was called and not refused.
    pub(crate) fn calls(&self, call: &'static str) -> usize {
        self.calls.lock().get(call).copied().unwrap_or(0)
    }

    /// Makes a conversation's log unreadable.
    pub(crate) fn spoil(&self, conversation: ConversationId) {
        *self.unreadable.lock() = Some(conversation);
    }

    /// Fails for a log that was made unreadable.
    pub(crate) fn check_readable(&self, conversation: ConversationId) -> Result<()> {
        match *self.unreadable.lock() {
            Some(unreadable) if unreadable == conversation => Err(Error::Corrupt("spoilt".to_owned())),
            _ => Ok(()),
        }
    }

    /// Makes a call through all the trouble.
    pub(crate) async fn meet<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.refuse()?;
        self.finish(name, call).await
    }

    /// Refuses a call before anything is done, or not.
    pub(crate) fn refuse(&self) -> Result<()> {
        let refused = self.rates.lock().refused;
        if self.dice.lock().chance(refused) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Error::Unavailable("refused".to_owned()));
        }
        Ok(())
    }

    /// Makes a call that was not refused.
    pub(crate) async fn finish<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        *self.calls.lock().entry(name).or_default() += 1;
        let rates = *self.rates.lock();
        let (lost, before, after) = {
            let mut dice = self.dice.lock();
            (dice.chance(rates.lost), pause(&mut dice, rates), pause(&mut dice, rates))
        };
        linger(before).await;
        let result = call.await;
        linger(after).await;
        self.pass(name).await;
        if lost { Err(Error::Unavailable("the answer is lost".to_owned())) } else { result }
    }

    async fn pass(&self, name: &'static str) {
        let mut held = self.held.subscribe();
        let hold = held.borrow().clone();
        if hold.call != Some(name) {
            return;
        }
        let now = hold.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_waiting.fetch_max(now, Ordering::SeqCst);
        let _waiting = Waiting(hold.waiting);
        held.wait_for(|held| held.number != hold.number).await.unwrap();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Says how often others come in between.
fn pause(dice: &mut Dice, rates: Rates) -> usize {
    if dice.chance(rates.late) { dice.below(50) } else { 0 }
}

/// Lets others go first so many times.
async fn linger(times: usize) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}
