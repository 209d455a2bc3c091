//! Documents, and answers that are remembered for a while.

use async_trait::async_trait;
use placement::Table;
use ports::{Document, Documents, Error, Remembered, Result};
use protocol::Timestamp;

use super::StoreHandle;
use super::state::State;
use crate::defect::Defect;
use crate::history::Happened;

/// The document that holds the placement table.
pub(super) const TABLE: &str = "placement-table";

#[async_trait]
impl Documents for StoreHandle {
    async fn document(&self, name: &str) -> Result<Option<Document>> {
        let name = name.to_owned();
        self.call(move |state| Ok(state.data.documents.get(name.as_str()).cloned())).await
    }

    async fn put_document(&self, name: &str, expected: u64, body: Vec<u8>) -> Result<u64> {
        let (name, by) = (name.to_owned(), self.process.clone());
        self.call(move |state| state.put_document(name, expected, body, by)).await
    }

    async fn remembered(&self, key: &[u8], now: Timestamp) -> Result<Option<Remembered>> {
        let key = key.to_vec();
        self.call(move |state| {
            let remembered = state.data.remembered.get(key.as_slice());
            Ok(remembered.filter(|remembered| remembered.expires_at > now).cloned())
        })
        .await
    }

    async fn remember(&self, key: Vec<u8>, answer: Remembered, _now: Timestamp) -> Result<()> {
        self.call(move |state| {
            state.change().remembered.put(key, answer);
            Ok(())
        })
        .await
    }
}

impl State {
    /// Writes a document over the version that is expected.
    fn put_document(&mut self, name: String, expected: u64, body: Vec<u8>, by: String) -> Result<u64> {
        let version = self.data.documents.get(name.as_str()).map_or(0, |document| document.version);
        if version != expected && !(name == TABLE && self.has(Defect::TableFenceOff)) {
            return Err(Error::Conflict);
        }
        let version = self.version_after(name.as_str(), version);
        if name == TABLE
            && let Ok(Table { epoch, .. }) = serde_json::from_slice(&body)
        {
            self.note(Happened::Published { epoch: epoch.into(), by });
        }
        self.change().documents.put(name, Document { version, body });
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use placement::{BucketLoads, Epoch, Member, Options, plan};
    use protocol::Shard;

    use super::*;
    use crate::store::scene::Scene;

    #[tokio::test(start_paused = true)]
    async fn a_table_that_is_taken_is_told_of_with_its_writer() {
        let scene = Scene::set(1).await;
        let member: Member = serde_json::from_value(serde_json::json!({
            "shard": Shard::new("chat-0").unwrap(), "url": "ws://chat-0", "weight": 1, "draining": false,
        }))
        .unwrap();
        let plan = plan(None, &[member], &BucketLoads::uniform(), &Options::default()).unwrap();
        let epoch = Epoch::start_of(7);
        let table = Table { epoch, chat: plan.assignment.clone(), presence: plan.assignment };
        let body = serde_json::to_vec(&table).unwrap();
        assert_eq!(scene.handle.put_document(TABLE, 0, body.clone()).await, Ok(1));
        assert_eq!(scene.handle.put_document(TABLE, 0, body.clone()).await, Err(Error::Conflict));
        let published = scene.happened().into_iter().filter_map(|what| match what {
            Happened::Published { epoch, by } => Some((epoch, by)),
            _ => None,
        });
        assert_eq!(published.collect::<Vec<_>>(), [(epoch.into(), "chat-0".to_owned())]);
        assert_eq!(scene.store.truth().table, Some(Document { version: 1, body }));
    }
}
