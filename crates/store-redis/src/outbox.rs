//! The outbox: a stream a partition, with the conversations of the partition in one slot. What is dealt with is cut off, so that what is
//! left is what is pending.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Error, Outbox, OutboxEntry, OutboxPosition, Result};
use protocol::{ConversationId, Timestamp};
use redis::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use crate::RedisStore;
use crate::keys::PARTITIONS;
use crate::link::{Call, ReadFrom, closed};
use crate::script::Script;
use crate::value::{Items, array, unexpected, username};

/// How often is looked for entries that somebody waits for. A push may wait that long. A cluster lets nobody block on streams of several
/// slots over one connection, and a look at all partitions costs 1,024 short commands.
const PAUSE: Duration = Duration::from_millis(200);

/// How many entries are read at once.
const CHUNK: usize = 1024;

/// How many bits of a position count the entries of an epoch.
const COUNT_BITS: u32 = 40;

static DEALT_WITH: Script =
    Script::new("dealt_with", "return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])");

/// Those who wait for entries.
#[derive(Default)]
pub(crate) struct Outboxes {
    waiting: Mutex<Vec<Waiting>>,
    came: Notify,
    /// The last position of each partition that was given to somebody: nothing else is dealt with.
    given: Mutex<HashMap<u16, OutboxPosition>>,
}

/// One who waits for entries.
struct Waiting {
    partition: u16,
    after: OutboxPosition,
    limit: usize,
    found: oneshot::Sender<Result<Vec<OutboxEntry>>>,
}

#[async_trait]
impl Outbox for RedisStore {
    fn partitions(&self) -> u16 {
        PARTITIONS
    }

    async fn pending(&self, partition: u16, after: OutboxPosition, limit: usize) -> Result<Vec<OutboxEntry>> {
        if partition >= PARTITIONS {
            return Err(Error::Unavailable("there is no such partition of the outbox".to_owned()));
        }
        let limit = limit.max(1);
        let mut entries = self.entries(partition, after, limit).await?;
        if entries.is_empty() {
            let (found, receiver) = oneshot::channel();
            self.outboxes.waiting.lock().push(Waiting { partition, after, limit, found });
            self.outboxes.came.notify_one();
            entries = receiver.await.unwrap_or_else(|_| Err(closed()))?;
        }
        if let Some(last) = entries.last() {
            let mut given = self.outboxes.given.lock();
            let known = given.entry(partition).or_default();
            *known = last.position.max(*known);
        }
        Ok(entries)
    }

    async fn dealt_with(&self, partition: u16, position: OutboxPosition) -> Result<()> {
        let given = self.outboxes.given.lock().get(&partition).copied();
        let Some(position) = given.map(|given| position.min(given)) else { return Ok(()) };
        let call = Call::new(
            &DEALT_WITH,
            vec![self.context.keys.outbox(partition)],
            vec![id(position.saturating_add(1)).into()],
        );
        self.context.link.write(call).await?;
        Ok(())
    }
}

impl RedisStore {
    /// Looks for entries that somebody waits for, for ever.
    pub(crate) async fn keep_polling_outboxes(&self) {
        loop {
            if self.outboxes.waiting.lock().is_empty() {
                self.outboxes.came.notified().await;
            }
            sleep(PAUSE).await;
            self.poll_outboxes().await;
        }
    }

    /// Looks once.
    async fn poll_outboxes(&self) {
        let mut waiting = std::mem::take(&mut *self.outboxes.waiting.lock());
        waiting.retain(|waiting| !waiting.found.is_closed());
        let calls = waiting.iter().map(|waiting| self.call(waiting.partition, waiting.after, waiting.limit));
        let answers = self.context.link.read_each(calls.collect(), ReadFrom::Settled).await;
        for (waiting, answer) in waiting.into_iter().zip(answers) {
            match answer.and_then(read) {
                Ok(entries) if entries.is_empty() => self.outboxes.waiting.lock().push(waiting),
                // Whoever waited may have gone.
                answer => drop(waiting.found.send(answer)),
            }
        }
    }

    async fn entries(&self, partition: u16, after: OutboxPosition, limit: usize) -> Result<Vec<OutboxEntry>> {
        let mut entries = Vec::new();
        let mut after = after;
        while entries.len() < limit {
            let count = (limit - entries.len()).min(CHUNK);
            let answer =
                self.context.link.read(self.call(partition, after, count), ReadFrom::Settled).await?;
            let some = read(answer)?;
            let is_last = some.len() < count;
            after = some.last().map_or(after, |last| last.position);
            entries.extend(some);
            if is_last {
                break;
            }
        }
        Ok(entries)
    }

    fn call(&self, partition: u16, after: OutboxPosition, limit: usize) -> Call {
        let start = id(after.saturating_add(1));
        let arguments = vec![start.into(), Bytes::from_static(b"+"), Bytes::from_static(b"COUNT")];
        let limit = limit.min(CHUNK).to_string();
        let arguments = [arguments, vec![limit.into()]].concat();
        Call::command("XRANGE", self.context.keys.outbox(partition), arguments)
    }
}

/// Gives the id of a position: `<epoch>-<count>`.
fn id(position: OutboxPosition) -> String {
    format!("{}-{}", position >> COUNT_BITS, position & ((1 << COUNT_BITS) - 1))
}

fn position(id: &str) -> Option<OutboxPosition> {
    let (epoch, count) = id.split_once('-')?;
    let (epoch, count): (u64, u64) = (epoch.parse().ok()?, count.parse().ok()?);
    Some((epoch << COUNT_BITS) | count)
}

fn read(answer: Value) -> Result<Vec<OutboxEntry>> {
    array(answer)?.into_iter().map(read_entry).collect()
}

/// Reads `[id, [e, conversation seq version time from]]`.
fn read_entry(entry: Value) -> Result<OutboxEntry> {
    let mut items = Items::of(entry)?;
    let id = items.text()?;
    let mut fields = Items::of(items.value()?)?;
    fields.value()?;
    let text = fields.text()?;
    let words: Vec<&str> = text.split(' ').collect();
    let [conversation, seq, version, at, from] = words.as_slice() else {
        return Err(unexpected("an entry of the outbox that is none"));
    };
    let number = |word: &str| word.parse::<u64>().ok();
    let parse = || {
        let conversation = ConversationId(u128::from_str_radix(conversation, 16).ok()?.to_be_bytes());
        Some((position(&id)?, conversation, number(seq)?, number(version)?, Timestamp(number(at)?)))
    };
    let (position, conversation, seq, version, at) =
        parse().ok_or_else(|| unexpected("an entry of the outbox that is none"))?;
    Ok(OutboxEntry { position, conversation, seq, from: username(from)?, at, version })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn positions_are_in_the_order_of_the_ids() {
        let ids = ["0-1", "1-0", "1-1", "1-99", "2-0", "16777215-1099511627775"];
        let positions: Vec<u64> = ids.iter().map(|id| position(id).unwrap()).collect();
        assert!(positions.is_sorted());
        assert!(positions.iter().zip(ids).all(|(position, text)| id(*position) == text));
    }
}
