//! What is to happen later: calls and answers that are under way, hints that are late.

use std::collections::BTreeMap;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

/// Something to be done.
type Act = Box<dyn FnOnce() + Send>;

/// Does things at their time, and what is due at the same time in the order in which it came. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Agenda(UnboundedSender<(Instant, Act)>);

impl Agenda {
    /// Makes an empty one, kept by a task that belongs to no process.
    #[expect(clippy::disallowed_methods, reason = "what is under way is in the hands of no process")]
    pub(super) fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(run(receiver));
        Self(sender)
    }

    /// Lets something be done at a time.
    pub(super) fn at(&self, due: Instant, act: impl FnOnce() + Send + 'static) {
        // The task ends with the runtime, and the world with it.
        self.0.send((due, Box::new(act))).ok();
    }
}

async fn run(mut receiver: UnboundedReceiver<(Instant, Act)>) {
    let mut entries: BTreeMap<(Instant, u64), Act> = BTreeMap::new();
    let mut count = 0;
    loop {
        let next = entries.first_key_value().map(|((due, _), _)| *due);
        let received = match next {
            None => receiver.recv().await,
            Some(due) => {
                tokio::select! {
                    biased;
                    received = receiver.recv() => received,
                    () = sleep_until(due) => {
                        if let Some((_, act)) = entries.pop_first() {
                            act();
                        }
                        continue;
                    }
                }
            }
        };
        let Some((due, act)) = received else { return };
        count += 1;
        entries.insert((due, count), act);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use parking_lot::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn things_are_done_in_order_of_their_times_and_then_of_their_coming() {
        let (agenda, start) = (Agenda::new(), Instant::now());
        let done = Arc::new(Mutex::new(Vec::new()));
        for (name, millis) in [("d", 20), ("a", 0), ("b", 10), ("c", 10), ("e", 20)] {
            let done = done.clone();
            agenda.at(start + Duration::from_millis(millis), move || {
                done.lock().push((name, start.elapsed().as_millis()));
            });
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(*done.lock(), [("a", 0), ("b", 10), ("c", 10), ("d", 20), ("e", 20)]);
    }
}
