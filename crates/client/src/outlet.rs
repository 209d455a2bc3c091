//! Events on their way to the application.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// From so many waiting events on, nothing more is read from the server.
const MAX_WAITING: usize = 64;

/// A bounded channel and what does not fit into it at the moment. An application that has dropped its end wants no events.
pub(crate) struct Outlet<E> {
    sender: mpsc::Sender<E>,
    waiting: VecDeque<E>,
}

impl<E> Outlet<E> {
    /// Makes the outlet and the application's end.
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<E>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        (Self { sender, waiting: VecDeque::new() }, receiver)
    }

    /// Passes an event on, at once or later.
    pub(crate) fn push(&mut self, event: E) {
        if !self.waiting.is_empty() {
            self.waiting.push_back(event);
            return;
        }
        if let Err(TrySendError::Full(event)) = self.sender.try_send(event) {
            self.waiting.push_back(event);
        }
    }

    /// Says whether the application wants events at all.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Says whether events wait for the application.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Says whether more may be read from the server.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// Passes the next waiting event on when the application has room. Nothing is lost if it is dropped while it waits.
    pub(crate) async fn pass_on(&mut self) {
        match self.sender.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.waiting.pop_front() {
                    permit.send(event);
                }
            }
            Err(_) => self.waiting.clear(),
        }
    }

    /// Passes everything on.
    pub(crate) async fn finish(mut self) {
        while self.waits() {
            self.pass_on().await;
        }
    }
}
