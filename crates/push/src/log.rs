//! The channel for development: a line in the log.

use async_trait::async_trait;
use ports::{Device, Note, Outcome, PushSender};

/// Writes that there was something to tell, never what.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSender;

#[async_trait]
impl PushSender for LogSender {
    fn channel(&self) -> &'static str {
        "log"
    }

    fn check(&self, _address: &serde_json::Value) -> Result<(), String> {
        Ok(())
    }

    async fn send(&self, device: &Device, note: &Note) -> Outcome {
        tracing::info!(device = device.id, note = note.id, "push");
        Outcome::Sent
    }
}
