//! `tokio::sync`, with a choice of who goes on before each call.

use std::fmt;

pub(crate) use real_tokio::sync::{Mutex, OnceCell};

use super::step;

/// `tokio::sync::Notify`.
#[derive(Default)]
pub(crate) struct Notify(real_tokio::sync::Notify);

impl Notify {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_one(&self) {
        step();
        self.0.notify_one();
    }

    pub(crate) fn notify_waiters(&self) {
        step();
        self.0.notify_waiters();
    }

    pub(crate) fn notified(&self) -> real_tokio::sync::futures::Notified<'_> {
        step();
        self.0.notified()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// `tokio::sync::watch`.
pub(crate) mod watch {
    use real_tokio::sync::watch;

    use super::step;

    #[derive(Debug)]
    pub(crate) struct Sender<T>(watch::Sender<T>);

    #[derive(Clone, Debug)]
    pub(crate) struct Receiver<T>(watch::Receiver<T>);

    impl<T> Sender<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(watch::Sender::new(value))
        }

        pub(crate) fn subscribe(&self) -> Receiver<T> {
            step();
            Receiver(self.0.subscribe())
        }

        pub(crate) fn borrow(&self) -> watch::Ref<'_, T> {
            step();
            self.0.borrow()
        }

        pub(crate) fn send_replace(&self, value: T) -> T {
            step();
            self.0.send_replace(value)
        }

        pub(crate) fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
            step();
            self.0.send_if_modified(modify)
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn borrow(&self) -> watch::Ref<'_, T> {
            step();
            self.0.borrow()
        }

        pub(crate) async fn wait_for(
            &mut self,
            condition: impl FnMut(&T) -> bool,
        ) -> Result<watch::Ref<'_, T>, watch::error::RecvError> {
            step();
            self.0.wait_for(condition).await
        }
    }
}
