//! What lasts of presence.

use async_trait::async_trait;
use ports::{PresenceRecord, Presences, Result};
use protocol::Username;

use crate::EmbeddedStore;
use crate::engine::{Direction, View};
use crate::keys::Table;
use crate::packing::{Parts, from_json, to_json, unreadable};
use crate::writer::WriteContext;

#[async_trait]
impl Presences for EmbeddedStore {
    async fn put_presences(&self, records: Vec<PresenceRecord>) -> Result<usize> {
        self.write(move |context| {
            let mut kept = 0;
            for record in &records {
                let stored = presence(context.view(), &record.username)?;
                if stored.is_some_and(|stored| stored.epoch > record.epoch) {
                    continue;
                }
                context.put(key(&record.username), to_json(record)?);
                if record.connected {
                    context.put(connected_key(&record.username), Vec::new());
                } else {
                    context.delete(connected_key(&record.username));
                }
                kept += 1;
            }
            Ok(kept)
        })
        .await
    }

    async fn presences(&self, usernames: &[Username]) -> Result<Vec<PresenceRecord>> {
        let (count, usernames) = (usernames.len(), usernames.to_vec());
        let read = move |view: &dyn View| {
            let records = usernames.iter().map(|username| presence(view, username));
            records.filter_map(Result::transpose).collect()
        };
        self.read_about(count, read).await
    }

    async fn connected_presences(
        &self,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<PresenceRecord>> {
        let mut range = Table::Connected.key().range();
        if let Some(after) = after {
            range = range.after(connected_key(after));
        }
        let read = move |view: &dyn View| {
            view.read(&range, Direction::Forward, limit, |key, _| {
                let mut parts = Parts::of(key);
                parts.byte()?;
                presence(view, &parts.last_name()?)?.ok_or_else(unreadable)
            })
        };
        self.read_about(limit, read).await
    }
}

/// Forgets a user's presence.
pub(crate) fn forget(context: &mut WriteContext<'_>, username: &Username) {
    context.delete(key(username));
    context.delete(connected_key(username));
}

fn presence(view: &dyn View, username: &Username) -> Result<Option<PresenceRecord>> {
    view.get(&key(username))?.map(|record| from_json(&record)).transpose()
}

fn key(username: &Username) -> Vec<u8> {
    Table::Presence.key().rest(username.as_str()).bytes()
}

fn connected_key(username: &Username) -> Vec<u8> {
    Table::Connected.key().rest(username.as_str()).bytes()
}
