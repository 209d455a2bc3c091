//! The one writer: a thread that takes the waiting commands, executes them in one transaction, commits it, and then answers them all.

mod memory;
mod queue;
mod transaction;

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use parking_lot::Mutex;
use ports::{Error, Result};
use tokio::sync::{oneshot, watch};

pub(crate) use self::memory::WriterMemory;
use self::queue::{Queue, closed};
pub(crate) use self::transaction::Transaction;
use crate::engine::{Changes, Engine, View};
use crate::outbox::OutboxSenders;
use crate::run::Run;

/// How many commands one transaction holds at most: what a single one can wait for stays bounded.
const BATCH: usize = 512;

/// From how many commands in a batch on others are sure to follow soon, so that gathering them is worth a moment.
const CROWD: usize = 3;

/// How long commands are gathered after such a batch. A sync costs about as much CPU for one command as for ten; at 10,000 appends a second
/// from 1,000 senders this took the program from 89 to 75 CPU seconds a million (`make bench`).
const GATHER: std::time::Duration = std::time::Duration::from_micros(500);

/// Something to be done by the writer. It gives what is to be called after the commit, with the commit's outcome.
pub(crate) type Command = Box<dyn FnOnce(&mut WriteContext<'_>) -> Completion + Send>;

/// Answers a command.
pub(crate) type Completion = Box<dyn FnOnce(Result<()>) + Send>;

/// What a command works on.
pub(crate) struct WriteContext<'a> {
    /// The writes.
    pub(crate) transaction: Transaction<'a>,
    /// What the writer knows without reading.
    pub(crate) memory: &'a mut WriterMemory,
}

/// The writer's thread, seen from outside.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ended: watch::Receiver<Option<Result<()>>>,
}

/// The writer's thread, seen from inside.
struct Thread {
    queue: Arc<Queue>,
    engine: Arc<dyn Engine>,
    memory: WriterMemory,
    run: Run,
    outbox: OutboxSenders,
}

/// Fails the queue when the thread ends, even by a panic: nobody waits for it then.
struct FailAtEnd(Arc<Queue>);

impl WriteContext<'_> {
    /// Gives what is committed and written so far.
    pub(crate) fn view(&self) -> &dyn View {
        &self.transaction
    }

    /// Writes a value.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: impl Into<Bytes>) {
        self.transaction.put(key, value);
    }

    /// Deletes a value.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.transaction.delete(key);
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        memory: WriterMemory,
        run: Run,
        queue_limit: usize,
        outbox: OutboxSenders,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::new(queue_limit));
        let (end, ended) = watch::channel(None);
        let thread = Thread { queue: queue.clone(), engine, memory, run, outbox };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let outcome = thread.run();
            end.send_replace(Some(outcome));
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), ended })
    }

    /// Queues a command at once, in the order of the calls, and gives a future of its outcome: it is durable then.
    pub(crate) fn enqueue<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut WriteContext<'_>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let (sender, receiver) = oneshot::channel();
        let queued = self.queue.push(Box::new(move |context| {
            context.transaction.begin();
            let outcome = command(context);
            if outcome.is_err() {
                context.transaction.roll_back();
            }
            Box::new(move |committed| {
                // Whoever asked may have gone.
                sender.send(committed.and(outcome)).ok();
            })
        }));
        Box::pin(async move {
            queued?;
            receiver.await.unwrap_or_else(|_| Err(Error::Unavailable("a write failed".to_owned())))
        })
    }

    /// Says whether commands are taken: the writer was not closed, and no write has failed.
    pub(crate) fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    /// Takes no more commands, and waits until those that wait are executed and the run is marked as ended.
    pub(crate) async fn close(&self) -> Result<()> {
        self.queue.close();
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(closed())),
            Err(_) => Err(Error::Unavailable("the writer has panicked".to_owned())),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer has panicked");
        }
    }
}

impl Thread {
    fn run(mut self) -> Result<()> {
        let fail_at_end = FailAtEnd(self.queue.clone());
        let mut batch = Vec::with_capacity(BATCH);
        let mut outcome = Ok(());
        while outcome.is_ok() && self.queue.take(&mut batch, BATCH) {
            let crowd = batch.len() >= CROWD && self.run.sync();
            outcome = self.execute(&mut batch);
            if crowd {
                std::thread::sleep(GATHER);
            }
        }
        if outcome.is_ok() {
            outcome = self.run.end(&*self.engine);
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "a write failed, and the store takes no more of them");
        }
        drop(fail_at_end);
        outcome
    }

    /// Executes the commands of a batch, commits, and answers them.
    fn execute(&mut self, batch: &mut Vec<Command>) -> Result<()> {
        let (changes, completions) = self.apply(batch);
        let outcome = if changes.is_empty() {
            Ok(())
        } else {
            self.engine
                .commit(changes, self.run.sync())
                .map_err(|error| Error::Unavailable(error.to_string()))
        };
        for complete in completions {
            complete(outcome.clone());
        }
        if outcome.is_ok() {
            self.outbox.committed(&self.memory.outbox);
        }
        outcome
    }

    fn apply(&mut self, batch: &mut Vec<Command>) -> (Changes, Vec<Completion>) {
        let committed = self.engine.snapshot();
        let transaction = Transaction::new(&*committed);
        let mut context = WriteContext { transaction, memory: &mut self.memory };
        let completions = batch.drain(..).map(|command| command(&mut context)).collect();
        (context.transaction.into_changes(), completions)
    }
}

impl Drop for FailAtEnd {
    fn drop(&mut self) {
        self.0.fail();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::engine::Memory;
    use crate::outbox::channels;

    /// An engine in memory whose commits wait to be told how they end.
    struct Told {
        memory: Memory,
        outcomes: Mutex<mpsc::Receiver<Result<()>>>,
    }

    impl Engine for Told {
        fn snapshot(&self) -> Box<dyn View + '_> {
            self.memory.snapshot()
        }

        fn commit(&self, changes: Changes, sync: bool) -> Result<()> {
            self.outcomes.lock().recv().unwrap()?;
            self.memory.commit(changes, sync)
        }
    }

    struct Scene {
        tell: mpsc::Sender<Result<()>>,
        engine: Arc<Told>,
        writer: Writer,
    }

    fn scene(queue_limit: usize) -> Scene {
        let (tell, outcomes) = mpsc::channel();
        tell.send(Ok(())).unwrap();
        let engine = Arc::new(Told { memory: Memory::default(), outcomes: Mutex::new(outcomes) });
        let run = Run::begin(&*engine, true).unwrap();
        let memory = WriterMemory::load(&*engine.snapshot(), 1).unwrap();
        let (senders, _) = channels(&memory.outbox);
        let writer = Writer::start(engine.clone(), memory, run, queue_limit, senders).unwrap();
        Scene { tell, engine, writer }
    }

    fn put(writer: &Writer, key: u8) -> BoxFuture<'static, Result<()>> {
        writer.enqueue(move |context| {
            context.put(vec![key], vec![key]);
            Ok(())
        })
    }

    fn is_waiting<T>(future: &mut BoxFuture<'static, T>) -> bool {
        matches!(pin!(future).poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
    }

    fn has(scene: &Scene, key: u8) -> bool {
        scene.engine.snapshot().has(&[key]).unwrap()
    }

    #[tokio::test]
    async fn nobody_is_answered_before_the_commit_and_the_queue_is_bounded() {
        let scene = scene(2);
        let (begun, has_begun) = mpsc::channel();
        let mut first = scene.writer.enqueue(move |context| {
            context.put(vec![100], vec![1]);
            begun.send(()).unwrap();
            Ok(7)
        });
        has_begun.recv().unwrap();
        // The commit of the first is under way: these wait.
        let (second, third) = (put(&scene.writer, 101), put(&scene.writer, 102));
        assert!(matches!(put(&scene.writer, 103).await, Err(Error::Unavailable(_))));
        assert!(is_waiting(&mut first) && !has(&scene, 100));
        scene.tell.send(Ok(())).unwrap();
        assert_eq!(first.await, Ok(7));
        // Both in one commit.
        scene.tell.send(Ok(())).unwrap();
        assert_eq!((second.await, third.await), (Ok(()), Ok(())));
        assert!(has(&scene, 100) && has(&scene, 102) && !has(&scene, 103));
        scene.tell.send(Ok(())).unwrap();
        assert_eq!(scene.writer.close().await, Ok(()));
        assert!(matches!(put(&scene.writer, 104).await, Err(Error::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_command_that_fails_leaves_nothing_and_the_others_all() {
        let scene = scene(10);
        scene.tell.send(Ok(())).unwrap();
        put(&scene.writer, 100).await.unwrap();
        let failed = scene.writer.enqueue(|context| -> Result<()> {
            context.put(vec![101], vec![1]);
            context.delete(vec![100]);
            Err(Error::NotAllowed)
        });
        let last = put(&scene.writer, 102);
        for _ in 0..3 {
            scene.tell.send(Ok(())).unwrap();
        }
        assert_eq!((failed.await, last.await), (Err(Error::NotAllowed), Ok(())));
        assert!(has(&scene, 100) && !has(&scene, 101) && has(&scene, 102));
    }

    #[tokio::test]
    async fn after_a_failed_commit_nothing_is_written_any_more() {
        let scene = scene(10);
        let first = put(&scene.writer, 100);
        let second = put(&scene.writer, 101);
        scene.tell.send(Err(Error::Unavailable("the disk is full".to_owned()))).unwrap();
        assert!(matches!(first.await, Err(Error::Unavailable(_))));
        assert!(matches!(second.await, Err(Error::Unavailable(_))));
        assert!(matches!(put(&scene.writer, 102).await, Err(Error::Unavailable(_))));
        assert!(matches!(scene.writer.close().await, Err(Error::Unavailable(_))));
        assert!(!has(&scene, 100) && !has(&scene, 101) && !has(&scene, 102));
    }

    #[tokio::test]
    async fn a_command_that_panics_leaves_nobody_waiting() {
        let scene = scene(10);
        let panics: BoxFuture<'static, Result<()>> = scene.writer.enqueue(|_| panic!("on purpose"));
        assert!(matches!(panics.await, Err(Error::Unavailable(_))));
        assert!(matches!(scene.writer.close().await, Err(Error::Unavailable(_))));
        assert!(matches!(put(&scene.writer, 100).await, Err(Error::Unavailable(_))));
    }
}
