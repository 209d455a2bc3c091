//! What lasts of presence.

use async_trait::async_trait;
use ports::{PresenceRecord, Presences, Result};
use protocol::Username;

use super::StoreHandle;
use super::state::State;
use crate::defect::Defect;
use crate::history::Happened;

#[async_trait]
impl Presences for StoreHandle {
    async fn put_presences(&self, records: Vec<PresenceRecord>) -> Result<usize> {
        self.call(move |state| Ok(records.into_iter().filter(|record| state.put_presence(record)).count()))
            .await
    }

    async fn presences(&self, usernames: &[Username]) -> Result<Vec<PresenceRecord>> {
        let usernames = usernames.to_vec();
        self.call(move |state| {
            let records = usernames.iter().filter_map(|username| state.data.presences.get(username));
            Ok(records.cloned().collect())
        })
        .await
    }

    async fn connected_presences(
        &self,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<PresenceRecord>> {
        let after = after.cloned();
        self.call(move |state| {
            let records = state.data.presences.iter().map(|(_, record)| record);
            let connected = records.filter(|record| record.connected);
            let wanted =
                connected.filter(|record| after.as_ref().is_none_or(|after| record.username > *after));
            Ok(wanted.take(limit).cloned().collect())
        })
        .await
    }
}

impl State {
    /// Keeps a record, except where one of a newer epoch is stored, and says whether it was kept.
    fn put_presence(&mut self, record: &PresenceRecord) -> bool {
        let PresenceRecord { username, status, connected, epoch, .. } = record;
        let is_newer = |stored: &PresenceRecord| stored.epoch > *epoch;
        if !self.has(Defect::PresenceFenceOff) && self.data.presences.get(username).is_some_and(is_newer) {
            return false;
        }
        self.change().presences.put(username.clone(), record.clone());
        self.note(Happened::Recorded {
            user: username.clone(),
            epoch: *epoch,
            status: *status,
            connected: *connected,
        });
        true
    }
}
