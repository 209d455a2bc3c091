//! The notes of `POST /notify`, on their way from the api role to the providers.

use async_trait::async_trait;
use notification::Notification;
use ports::Note;
use protocol::Username;
use tokio_util::task::TaskTracker;

/// Hands the notes of the api to the notification role of this process.
pub(crate) struct Notes {
    notification: Notification,
    tracker: TaskTracker,
}

impl Notes {
    pub(crate) fn new(notification: Notification, tracker: TaskTracker) -> Self {
        Self { notification, tracker }
    }
}

#[async_trait]
impl api::Notifier for Notes {
    async fn notify(&self, to: &Username, note: Note) -> ports::Result<()> {
        let (notification, to) = (self.notification.clone(), to.clone());
        self.tracker.spawn(async move {
            if let Err(error) = notification.notify(&to, &note).await {
                tracing::warn!(%error, "a note was not sent");
            }
        });
        Ok(())
    }
}
