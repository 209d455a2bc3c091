//! What stands in for the other roles.

use api::Notifier;
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Batch, Device, Inbox, Note, Outcome, PushSender, Result};
use protocol::hint::{Envelope, Hint};
use protocol::{Shard, Username};
use serde_json::Value;

/// An inbox that keeps what was published.
#[derive(Default)]
pub(crate) struct KeptHints(Mutex<Vec<(Shard, Vec<Hint>)>>);

/// A notifier that keeps the notes.
#[derive(Default)]
pub(crate) struct KeptNotes(Mutex<Vec<(Username, Note)>>);

/// A push channel that needs a `token`.
pub(crate) struct TestChannel;

impl KeptHints {
    /// Gives the batches since the last call.
    pub(crate) fn take(&self) -> Vec<(Shard, Vec<Hint>)> {
        std::mem::take(&mut self.0.lock())
    }

    /// Gives the hints since the last call, whatever shard they went to.
    pub(crate) fn take_hints(&self) -> Vec<Hint> {
        self.take().into_iter().flat_map(|(_, hints)| hints).collect()
    }
}

impl KeptNotes {
    pub(crate) fn take(&self) -> Vec<(Username, Note)> {
        std::mem::take(&mut self.0.lock())
    }
}

#[async_trait]
impl Inbox for KeptHints {
    async fn publish(&self, shard: &Shard, entries: Vec<Bytes>) -> Result<()> {
        let hints = entries.iter().map(|entry| Envelope::decode(entry).unwrap().hint).collect();
        self.0.lock().push((shard.clone(), hints));
        Ok(())
    }

    async fn end(&self, _: &Shard) -> Result<u64> {
        Ok(0)
    }

    async fn read(&self, _: &Shard, _: u64, _: usize) -> Result<Batch> {
        std::future::pending().await
    }
}

#[async_trait]
impl Notifier for KeptNotes {
    async fn notify(&self, to: &Username, note: Note) -> Result<()> {
        self.0.lock().push((to.clone(), note));
        Ok(())
    }
}

#[async_trait]
impl PushSender for TestChannel {
    fn channel(&self) -> &'static str {
        "test"
    }

    fn check(&self, address: &Value) -> std::result::Result<(), String> {
        if address["token"].is_string() { Ok(()) } else { Err("token: must be a string".to_owned()) }
    }

    async fn send(&self, _: &Device, _: &Note) -> Outcome {
        Outcome::Sent
    }
}
