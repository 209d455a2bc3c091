//! The tasks of a process.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::task::TaskTracker;

/// Where a role's tasks are spawned, so that they are counted, can be waited for, and stand or fall with their process. Clones are the same.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    host: Option<Arc<dyn Host>>,
}

/// A process that is not the operating system's: its tasks run only while it does.
pub trait Host: Send + Sync {
    /// Is ready while the process runs; else the task is woken once it runs again.
    fn poll_runs(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Takes note of a task, which is aborted if the process ends without a word.
    fn spawned(&self, task: AbortHandle);
}

pin_project! {
    /// A task that is polled only while its process runs.
    struct Hosted<F> {
        host: Option<Arc<dyn Host>>,
        #[pin]
        task: F,
    }
}

impl Tasks {
    /// Makes the tasks of a process within this one.
    pub fn of(host: Arc<dyn Host>) -> Self {
        Self { tracker: TaskTracker::new(), host: Some(host) }
    }

    /// Spawns a task.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let handle = self.tracker.spawn(Hosted { host: self.host.clone(), task });
        if let Some(host) = &self.host {
            host.spawned(handle.abort_handle());
        }
        handle
    }

    /// Runs what takes the processor for a while on a thread for such work.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn_blocking(work)
    }

    /// Says that no more tasks are to come, which [`Tasks::wait`] waits for.
    pub fn close(&self) {
        self.tracker.close();
    }

    /// Waits until all tasks have ended and [`Tasks::close`] was called.
    pub async fn wait(&self) {
        self.tracker.wait().await;
    }
}

impl From<TaskTracker> for Tasks {
    /// Makes the tasks of the operating system's process, counted together with others.
    fn from(tracker: TaskTracker) -> Self {
        Self { tracker, host: None }
    }
}

impl<F: Future> Future for Hosted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(host) = this.host {
            ready!(host.poll_runs(context));
        }
        this.task.poll(context)
    }
}
