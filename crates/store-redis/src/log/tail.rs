//! The last events that one process appended to a conversation, and what becomes of them when a failover takes them back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Error, Result};
use protocol::Position;
use redis::Value;

use super::append::{self, Done, Request, Target};
use crate::link::{Answered, Call, Floor, Link};

/// The events that this process appended to a conversation a short time ago, and that were acknowledged.
pub(super) struct Tail {
    link: Link,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The events in the order in which they were acknowledged.
    events: VecDeque<Kept>,
    /// The last of their places: the store has at least this. None after a loss, until one of them is there again.
    floor: Option<Position>,
    /// Where events are now that were lost and appended again.
    moved: HashMap<Position, Position>,
}

/// An event that was acknowledged.
struct Kept {
    request: Arc<Request>,
    done: Done,
}

impl Tail {
    /// Makes one without events.
    pub(super) fn new(link: Link) -> Arc<Self> {
        Arc::new(Self { link, inner: Mutex::default() })
    }

    /// Keeps an event that was acknowledged.
    pub(super) fn keep(&self, request: Arc<Request>, done: Done) {
        let mut inner = self.inner.lock();
        inner.rise(done.appended.position);
        inner.events.push_back(Kept { request, done });
    }

    /// Forgets the oldest event, and says whether there are more.
    pub(super) fn forget(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.events.pop_front();
        let is_empty = inner.events.is_empty();
        if is_empty {
            *inner = Inner::default();
        }
        !is_empty
    }

    /// Says whether it has no events.
    pub(super) fn is_empty(&self) -> bool {
        self.inner.lock().events.is_empty()
    }

    /// Gives the keys by which it is found out whether its events are still there.
    pub(super) fn verify_keys(&self) -> Option<Vec<Bytes>> {
        self.inner.lock().events.back().map(|kept| kept.request.verify_keys())
    }

    /// Takes note of what became of an event that was appended again.
    fn restored(self: &Arc<Self>, request: &Arc<Request>, answer: Result<Value>) {
        let mut inner = self.inner.lock();
        let Some(kept) = inner.events.iter_mut().find(|kept| Arc::ptr_eq(&kept.request, request)) else {
            return;
        };
        let before = kept.done;
        match answer.and_then(append::outcome) {
            Ok(done) => {
                kept.done = done;
                let (from, to) = (before.appended.position, done.appended.position);
                if from != to {
                    inner.moved.insert(from, to);
                }
                inner.rise(to);
            }
            Err(Error::MessageNotFound) => {
                // What it is about was lost too, and has another place now.
                let target = request.target().unwrap_or_default();
                let at = Position { seq: target, r#gen: before.target_gen };
                let moved = inner.moved.get(&at).copied();
                drop(inner);
                match moved {
                    Some(at) => {
                        let (tail, again) = (self.clone(), request.clone());
                        let answered = move |answer| tail.restored(&again, answer);
                        self.link.submit(request.call_about(Target { at }), answered);
                    }
                    None => tracing::warn!("what an event was about is lost, and so is the event"),
                }
            }
            Err(error) => tracing::warn!(%error, "an event that was lost cannot be appended again"),
        }
    }
}

impl Inner {
    fn rise(&mut self, to: Position) {
        self.floor = self.floor.max(Some(to));
    }
}

impl Floor for Tail {
    fn argument(&self) -> Bytes {
        match self.inner.lock().floor {
            Some(floor) => format!("{}-{}", floor.seq, floor.r#gen).into(),
            None => Bytes::new(),
        }
    }

    fn lost(self: Arc<Self>) -> Vec<(Call, Answered)> {
        let mut inner = self.inner.lock();
        inner.floor = None;
        tracing::warn!(events = inner.events.len(), "the log has lost a tail: its events are appended again");
        let again = |kept: &Kept| {
            let request = kept.request.clone();
            let call = match request.target() {
                None => request.call(),
                Some(target) => {
                    let at = Position { seq: target, r#gen: kept.done.target_gen };
                    request.call_about(Target { at })
                }
            };
            let tail = self.clone();
            let answered: Answered = Box::new(move |answer| tail.restored(&request, answer));
            (call, answered)
        };
        inner.events.iter().map(again).collect()
    }
}
