//! What lasts of presence.
//!
//! It lies in few partitions, so that a batch takes few calls and those who are connected can be listed: a page asks each partition once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use ports::{Error, PresenceRecord, Presences, Result};
use protocol::Username;

use crate::RedisStore;
use crate::accounts::partition_of;
use crate::keys::Keys;
use crate::link::Call;
use crate::merge::Merge;
use crate::script::Script;
use crate::todo::{arguments, entity};
use crate::value::unexpected;

static PUT: Script = entity!("put_presences");
static READ: Script = entity!("presences");
static CONNECTED: Script = entity!("connected_presences");
static DELETE: Script = entity!("delete_presence");

/// How many partitions there are of presences. It is part of the layout.
pub(crate) const PRESENCE_PARTITIONS: u16 = 64;
/// How many presences one script keeps or reads.
const AT_ONCE: usize = 500;
/// How many of those who are connected are read of a partition at least.
const FEWEST: usize = 16;

#[async_trait]
impl Presences for RedisStore {
    async fn put_presences(&self, records: Vec<PresenceRecord>) -> Result<usize> {
        let mut calls = Vec::new();
        for (partition, records) in by_partition(&records, |record| &record.username) {
            for some in records.chunks(AT_ONCE) {
                let mut arguments = Vec::with_capacity(4 * some.len());
                for record in some {
                    arguments.extend(arguments![
                        &record.username,
                        record.epoch,
                        record.connected,
                        stored(record)?
                    ]);
                }
                calls.push(Call::new(&PUT, presence_keys(&self.context.keys, partition).into(), arguments));
            }
        }
        let kept: Vec<usize> = self.write_many(calls).await?;
        Ok(kept.into_iter().sum())
    }

    async fn presences(&self, usernames: &[Username]) -> Result<Vec<PresenceRecord>> {
        let (mut calls, mut asked) = (Vec::new(), Vec::new());
        for (partition, usernames) in by_partition(usernames, |username| username) {
            for some in usernames.chunks(AT_ONCE) {
                let [records, _] = presence_keys(&self.context.keys, partition);
                calls.push(Call::new(
                    &READ,
                    vec![records],
                    some.iter().flat_map(|name| arguments![*name]).collect(),
                ));
                asked.push(some.to_vec());
            }
        }
        let mut found = BTreeMap::new();
        let answers: Vec<Vec<Option<String>>> = self.look_many(calls).await?;
        for (username, stored) in asked.into_iter().flatten().zip(answers.into_iter().flatten()) {
            if let Some(stored) = stored {
                found.insert(username, record(&stored)?);
            }
        }
        Ok(usernames.iter().filter_map(|username| found.get(username).cloned()).collect())
    }

    async fn connected_presences(
        &self,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<PresenceRecord>> {
        let each = (limit / usize::from(PRESENCE_PARTITIONS)).saturating_mul(2).clamp(FEWEST, AT_ONCE);
        let (mut merge, mut connected) = (Merge::new(PRESENCE_PARTITIONS, after), Vec::new());
        while connected.len() < limit {
            let hungry = merge.hungry();
            let calls = hungry.iter().map(|(partition, after)| {
                let begin = after.as_ref().map_or("-".to_owned(), |after| format!("({after}"));
                let keys = presence_keys(&self.context.keys, *partition);
                Call::new(&CONNECTED, keys.into(), arguments![begin, each])
            });
            let answers: Vec<Vec<String>> = self.look_many(calls.collect()).await?;
            for ((partition, _), stored) in hungry.iter().zip(answers) {
                let records: Vec<_> = stored.iter().map(|stored| record(stored)).collect::<Result<_>>()?;
                let last = records.last().filter(|_| records.len() == each);
                let until = last.map(|record| record.username.clone());
                let records = records.into_iter().map(|record| (record.username.clone(), record)).collect();
                merge.feed(*partition, records, until);
            }
            if hungry.is_empty() {
                let Some(record) = merge.pop() else { break };
                connected.push(record);
            }
        }
        Ok(connected)
    }
}

impl RedisStore {
    /// Forgets a user's presence.
    pub(crate) async fn forget_presence(&self, username: &Username) -> Result<()> {
        let keys = presence_keys(&self.context.keys, presence_partition(username));
        self.write(Call::new(&DELETE, keys.into(), arguments![username])).await
    }
}

/// Gives the keys of a partition: presences as `epoch JSON` by username, and the names of those who are connected in order.
pub(crate) fn presence_keys(keys: &Keys, partition: u16) -> [Bytes; 2] {
    [":presences", ":connected"].map(|rest| keys.tagged(&format!("p{partition}"), rest))
}

/// Gives the partition of a user's presence.
pub(crate) fn presence_partition(username: &Username) -> u16 {
    partition_of(username.as_str().as_bytes(), PRESENCE_PARTITIONS)
}

fn by_partition<T>(items: &[T], name: impl Fn(&T) -> &Username) -> BTreeMap<u16, Vec<&T>> {
    let mut partitions: BTreeMap<u16, Vec<&T>> = BTreeMap::new();
    for item in items {
        partitions.entry(presence_partition(name(item))).or_default().push(item);
    }
    partitions
}

/// Gives a presence as it is stored: the epoch is in front, where a script finds it.
pub(crate) fn stored(record: &PresenceRecord) -> Result<String> {
    let json = serde_json::to_string(record).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(format!("{} {json}", record.epoch))
}

/// Reads a presence as it is stored.
fn record(stored: &str) -> Result<PresenceRecord> {
    let json = stored.split_once(' ').map(|(_, json)| json);
    json.and_then(|json| serde_json::from_str(json).ok()).ok_or_else(|| unexpected("a presence that is none"))
}
