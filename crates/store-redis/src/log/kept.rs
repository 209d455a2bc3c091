//! What this process has appended a short time ago: kept to be appended again if a failover takes it back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::Mutex;
use ports::{Clock, Entropy};
use protocol::ConversationId;

use super::append::{Done, Request};
use super::tail::Tail;
use crate::keys::{SLOTS, slot_of};
use crate::link::{Call, Link, Topology};
use crate::script::Script;

/// How long an event is kept.
const AGE: Duration = Duration::from_secs(30);

/// How many bytes of events are kept at most.
const BYTES: usize = 64 * 1024 * 1024;

/// How many conversations are verified at once.
const VERIFIED_AT_ONCE: usize = 1024;

static VERIFY: Script = Script::placed("verify", include_str!("../scripts/log/verify.lua"));

/// What this process has appended a short time ago.
pub(crate) struct Kept {
    link: Link,
    clock: Arc<dyn Clock>,
    /// Tells this process's requests from those of others.
    run: u64,
    requests: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    tails: HashMap<ConversationId, Arc<Tail>>,
    /// All events in the order in which they were acknowledged.
    order: VecDeque<Age>,
    bytes: usize,
}

/// When an event was acknowledged; one of no bytes stands for a tail that was made.
struct Age {
    at: Duration,
    conversation: ConversationId,
    bytes: usize,
}

impl Kept {
    /// Makes one that is empty.
    pub(crate) fn new(link: Link, clock: Arc<dyn Clock>, entropy: &(dyn Entropy + 'static)) -> Arc<Self> {
        let run = u64::from_le_bytes(entropy.bytes());
        Arc::new(Self { link, clock, run, requests: AtomicU64::new(0), inner: Mutex::default() })
    }

    /// Gives what tells a request from all others.
    pub(super) fn token(&self) -> Bytes {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:x}.{number:x}", self.run).into()
    }

    /// Gives the tail of the conversation that a request is for.
    pub(super) fn tail(&self, request: &Request) -> Arc<Tail> {
        let conversation = request.append.conversation;
        let mut inner = self.inner.lock();
        if let Some(tail) = inner.tails.get(&conversation) {
            return tail.clone();
        }
        let tail = Tail::new(self.link.clone());
        inner.tails.insert(conversation, tail.clone());
        inner.order.push_back(Age { at: self.clock.monotonic(), conversation, bytes: 0 });
        tail
    }

    /// Keeps an event that was acknowledged, and forgets those that are old or too many.
    pub(super) fn acknowledged(&self, tail: &Arc<Tail>, request: Arc<Request>, done: Done) {
        let (conversation, bytes) = (request.append.conversation, request.size());
        let now = self.clock.monotonic();
        let mut inner = self.inner.lock();
        // It may have been forgotten while the request was under way.
        let tail = inner.tails.entry(conversation).or_insert_with(|| tail.clone());
        tail.keep(request, done);
        inner.order.push_back(Age { at: now, conversation, bytes });
        inner.bytes += bytes;
        inner.forget(now);
    }

    /// Verifies the tails of slots that get another master, or whose master has become it anew, for ever.
    pub(crate) async fn keep_verifying(&self) {
        let mut changes = self.link.topology();
        let mut before = changes.borrow_and_update().clone();
        while changes.changed().await.is_ok() {
            let now = changes.borrow_and_update().clone();
            let changed = changed(&before, &now);
            before = now;
            self.verify(|slot| changed.get(usize::from(slot)).copied().unwrap_or(false)).await;
            self.inner.lock().forget(self.clock.monotonic());
        }
    }

    /// Verifies the tails of some slots: what was acknowledged and is lost is appended again.
    async fn verify(&self, is_meant: impl Fn(u16) -> bool) {
        let tails: Vec<Arc<Tail>> = self.inner.lock().tails.values().cloned().collect();
        let mut calls = tails.into_iter().filter_map(|tail| {
            let keys = tail.verify_keys()?;
            let is_meant = keys.first().is_some_and(|key| is_meant(slot_of(key)));
            is_meant.then(|| Call::new(&VERIFY, keys, Vec::new()).above(tail))
        });
        loop {
            let some: Vec<_> = calls.by_ref().take(VERIFIED_AT_ONCE).collect();
            if some.is_empty() {
                return;
            }
            let answers = join_all(some.into_iter().map(|call| self.link.write(call))).await;
            if let Some(error) = answers.into_iter().find_map(Result::err) {
                tracing::warn!(%error, "cannot verify what was acknowledged before a failover");
            }
        }
    }
}

impl Inner {
    fn forget(&mut self, now: Duration) {
        while let Some(first) = self.order.front() {
            if now.saturating_sub(first.at) <= AGE && self.bytes <= BYTES {
                break;
            }
            let Some(Age { conversation, bytes, .. }) = self.order.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
            let Some(tail) = self.tails.get(&conversation) else { continue };
            let is_left = if bytes == 0 { !tail.is_empty() } else { tail.forget() };
            if !is_left {
                self.tails.remove(&conversation);
            }
        }
    }
}

/// Says of each slot whether another node has it, or the same one in another epoch.
fn changed(before: &Topology, now: &Topology) -> Vec<bool> {
    (0..SLOTS).map(|slot| before.claim(slot) != now.claim(slot)).collect()
}
