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
            outcome = self.execute(&mut batch);
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
