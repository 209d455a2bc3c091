//! A value that several tasks follow, woken in the order in which they began to wait: tokio's `watch` wakes them in any order.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A value that several tasks follow.
#[derive(Debug)]
pub(super) struct Signal<T>(Arc<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    /// The value, and how often it was changed.
    value: Mutex<(T, u64)>,
    changed: Notify,
}

/// Follows a value.
#[derive(Debug)]
pub(super) struct Follower<T> {
    inner: Arc<Inner<T>>,
    seen: u64,
}

impl<T: Copy> Signal<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Inner { value: Mutex::new((value, 0)), changed: Notify::new() }))
    }

    /// Gives the value.
    pub(super) fn get(&self) -> T {
        self.0.value.lock().0
    }

    /// Changes the value.
    pub(super) fn change(&self, change: impl FnOnce(&mut T)) {
        {
            let mut value = self.0.value.lock();
            change(&mut value.0);
            value.1 += 1;
        }
        self.0.changed.notify_waiters();
    }

    /// Follows the value from now on.
    pub(super) fn follow(&self) -> Follower<T> {
        Follower { inner: self.0.clone(), seen: self.0.value.lock().1 }
    }
}

impl<T: Copy> Follower<T> {
    /// Gives the value, and takes note that it was seen.
    pub(super) fn see(&mut self) -> T {
        let (value, version) = *self.inner.value.lock();
        self.seen = version;
        value
    }

    /// Gives the value.
    pub(super) fn get(&self) -> T {
        self.inner.value.lock().0
    }

    /// Waits until the value is another than the one that was seen last.
    pub(super) async fn changed(&mut self) {
        loop {
            let changed = self.inner.changed.notified();
            if self.inner.value.lock().1 != self.seen {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_once_by_each() {
        let signal = Signal::new(1);
        let (mut one, mut other) = (signal.follow(), signal.follow());
        signal.change(|value| *value = 2);
        one.changed().await;
        assert_eq!((one.see(), signal.get()), (2, 2));
        let later = tokio::time::timeout(std::time::Duration::ZERO, one.changed()).await;
        assert!(later.is_err());
        other.changed().await;
    }
}
