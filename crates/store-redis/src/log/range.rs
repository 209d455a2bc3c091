//! Reading ranges of a log.

use std::time::Duration;

use bytes::Bytes;
use ports::{Error, Result};
use protocol::{ConversationId, Event};
use redis::Value;

use super::record;
use crate::RedisStore;
use crate::link::{Call, ReadFrom, Settling};
use crate::script::Script;
use crate::value::digits;

static RANGE: Script = Script::new("range", include_str!("../scripts/log/range.lua"));

/// How many events are read at once.
const CHUNK: usize = 256;

/// How long the master may take before a replica is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// Those after a number, the first one first.
    After(u64),
    /// Those before a number or at the end, the last one first.
    Before(Option<u64>),
}

impl RedisStore {
    /// Reads events of a range, at most `limit`, in the range's order.
    pub(super) async fn range(
        &self,
        conversation: ConversationId,
        mut range: Range,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        while events.len() < limit {
            let count = (limit - events.len()).min(CHUNK);
            let some = self.chunk(conversation, range, count).await?;
            let is_last = some.len() < count;
            events.extend(some);
            match events.last() {
                Some(last) if !is_last => range = range.beyond(last.position.seq),
                _ => break,
            }
        }
        Ok(events)
    }

    /// Reads what lasts: what a failover may still take back is shown to nobody. While the master does not answer, or some of its replicas
    /// have failed, what a replica has is given, or what the master has if all have.
    pub(super) async fn read_settled(&self, call: Call) -> Result<Value> {
        let link = &self.context.link;
        match link.settling(&call) {
            Settling::Never => link.read(call, ReadFrom::Replica).await,
            Settling::Sometime => link.read(call, ReadFrom::Settled).await,
            Settling::Now => match link.read_within(call.clone(), ReadFrom::Settled, PATIENCE).await {
                Err(Error::Unavailable(_)) => link.read(call, ReadFrom::Replica).await,
                read => read,
            },
        }
    }

    async fn chunk(&self, conversation: ConversationId, range: Range, count: usize) -> Result<Vec<Event>> {
        let Some((command, from, to)) = range.bounds() else { return Ok(Vec::new()) };
        let keys = self.context.keys.conversation(conversation);
        let arguments = vec![command, from, to, digits(count as u64)];
        let call = Call::new(&RANGE, vec![keys.log(), keys.changes()], arguments);
        record::events(conversation, self.read_settled(call).await?)
    }
}

impl Range {
    /// Gives the rest of the range when it was read up to a number.
    pub(super) fn beyond(self, seq: u64) -> Self {
        match self {
            Self::After(_) => Self::After(seq),
            Self::Before(_) => Self::Before(Some(seq)),
        }
    }

    /// Gives the command and its bounds; nothing for a range that is empty whatever the log holds.
    fn bounds(self) -> Option<(Bytes, Bytes, Bytes)> {
        let (first, last) = (Bytes::from_static(b"-"), Bytes::from_static(b"+"));
        let (forwards, backwards) = (Bytes::from_static(b"XRANGE"), Bytes::from_static(b"XREVRANGE"));
        match self {
            Self::After(seq) => Some((forwards, digits(seq.checked_add(1)?), last)),
            Self::Before(None) => Some((backwards, last, first)),
            Self::Before(Some(0 | 1)) => None,
            Self::Before(Some(seq)) => Some((backwards, digits(seq - 1), first)),
        }
    }
}
