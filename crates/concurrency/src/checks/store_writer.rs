//! The commands that wait for the store's writer: `store-embedded/src/writer/queue.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use shuttle::thread::{self, JoinHandle};

use crate::Mutex;
use crate::explore::{explore, join};

#[path = "../../../store-embedded/src/writer/queue.rs"]
mod queue;
use queue::Queue;

/// How many commands each sender has.
const COMMANDS: u8 = 3;

/// What stands in the queue in the place of a closure.
struct Command {
    sender: u8,
    number: u8,
    ended: Arc<Ends>,
}

/// What became of the commands.
#[derive(Default)]
struct Ends {
    executed: Mutex<Vec<(u8, u8)>>,
    dropped: Mutex<BTreeSet<(u8, u8)>>,
}

impl Command {
    fn execute(self) {
        self.ended.executed.lock().push((self.sender, self.number));
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        let is_new = self.ended.dropped.lock().insert((self.sender, self.number));
        assert!(is_new, "dropped twice");
    }
}

/// A writer that waits is woken by what comes, with nothing else to wake it.
pub fn commands_wake_the_writer() {
    explore(|| {
        let (queue, ends) = (Arc::new(Queue::new(usize::MAX)), Arc::<Ends>::default());
        let senders = [0, 1].map(|sender| send(&queue, &ends, sender));
        let mut batch = Vec::new();
        let mut count = 0;
        while count < 2 * usize::from(COMMANDS) {
            assert!(queue.take(&mut batch, 2));
            count += batch.len();
            batch.drain(..).for_each(Command::execute);
        }
        join(senders);
    });
}

/// Each command that was taken is executed once, a sender's in their order, also if the queue is closed meanwhile; no more wait than may;
/// and the writer ends.
pub fn what_was_taken_is_executed_once_and_in_order() {
    explore(|| {
        const LIMIT: usize = 4;
        let (queue, ends) = (Arc::new(Queue::new(LIMIT)), Arc::<Ends>::default());
        let senders = [0, 1].map(|sender| send(&queue, &ends, sender));
        let closing = thread::spawn({
            let queue = queue.clone();
            move || queue.close()
        });
        let mut batch = Vec::new();
        while queue.take(&mut batch, 2) {
            assert!(batch.len() <= 2);
            batch.drain(..).for_each(Command::execute);
        }
        let mut taken: Vec<_> = join(senders).concat();
        closing.join().unwrap();
        let executed = std::mem::take(&mut *ends.executed.lock());
        for sender in [0, 1] {
            assert!(executed.iter().filter(|(other, _)| *other == sender).is_sorted());
        }
        let mut executed = executed;
        executed.sort_unstable();
        taken.sort_unstable();
        assert_eq!(executed, taken);
        assert!(!queue.is_open());
    });
}

/// No more commands wait than may.
pub fn no_more_wait_than_may() {
    explore(|| {
        const LIMIT: usize = 3;
        let (queue, ends) = (Arc::new(Queue::new(LIMIT)), Arc::<Ends>::default());
        let senders = [0, 1].map(|sender| send(&queue, &ends, sender));
        let taken: Vec<_> = join(senders).concat();
        assert_eq!(taken.len(), LIMIT);
        let mut batch = Vec::new();
        assert!(queue.take(&mut batch, usize::MAX));
        assert_eq!(batch.len(), LIMIT);
    });
}

/// After a write has failed nothing is executed, and nobody waits for ever: what was taken is let go, what comes later is refused.
pub fn a_failure_lets_everything_go() {
    explore(|| {
        let (queue, ends) = (Arc::new(Queue::new(usize::MAX)), Arc::<Ends>::default());
        let senders = [0, 1].map(|sender| send(&queue, &ends, sender));
        let mut batch = Vec::new();
        assert!(queue.take(&mut batch, 1));
        batch.drain(..).for_each(Command::execute);
        queue.fail();
        let taken: Vec<_> = join(senders).concat();
        assert_eq!(ends.executed.lock().len(), 1);
        let dropped = ends.dropped.lock();
        assert!(taken.iter().all(|command| dropped.contains(command)));
    });
}

/// Sends a sender's commands, and gives those that were taken.
fn send(queue: &Arc<Queue>, ends: &Arc<Ends>, sender: u8) -> JoinHandle<Vec<(u8, u8)>> {
    let (queue, ends) = (queue.clone(), ends.clone());
    let is_taken = move |number: &u8| {
        let command = Command { sender, number: *number, ended: ends.clone() };
        queue.push(command).is_ok()
    };
    thread::spawn(move || (0..COMMANDS).filter(is_taken).map(|number| (sender, number)).collect())
}
