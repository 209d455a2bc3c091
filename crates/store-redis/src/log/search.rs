//! Searching a log.

use ports::{Error, Result};
use protocol::{ConversationId, Event, EventBody, EventKind};

use super::range::Range;
use crate::RedisStore;

/// How many events are read at once.
const CHUNK: usize = 256;

impl RedisStore {
    /// Gives messages that contain a text in any case, the newest first, and the number of the last event that was read.
    pub(super) async fn search_log(
        &self,
        conversation: ConversationId,
        query: &str,
        before: Option<u64>,
        limit: usize,
        budget: usize,
    ) -> Result<(Vec<Event>, u64)> {
        let query = query.to_lowercase();
        let mut range = Range::Before(before);
        let (mut found, mut read, mut last) = (Vec::new(), 0, 0);
        while found.len() < limit && read < budget {
            let count = CHUNK.min(budget - read);
            let events = self.range(conversation, range, count).await?;
            let is_end = events.len() < count;
            for event in events {
                if found.len() == limit {
                    return Ok((found, last));
                }
                (read, last) = (read + 1, event.position.seq);
                if contains(&event, &query)? {
                    found.push(event);
                }
            }
            range = range.beyond(last);
            if is_end {
                break;
            }
        }
        // The first event has the number 1: nothing is left after it.
        Ok((found, if last == 1 { 0 } else { last }))
    }
}

fn contains(event: &Event, query: &str) -> Result<bool> {
    let body = EventBody::decode(&event.body).map_err(|error| Error::Corrupt(error.to_string()))?;
    let is_message = body.kind == EventKind::Message;
    Ok(is_message && body.text.is_some_and(|text| text.to_lowercase().contains(query)))
}
