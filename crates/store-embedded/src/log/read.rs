//! Reading a conversation's log: pages, and the search.

use std::ops::ControlFlow;

use ports::Result;
use protocol::{ConversationId, Event};

use super::record::{self, Kind, Record};
use crate::engine::{Direction, View};

/// Gives events after a number, in order.
pub(super) fn after(view: &dyn View, id: ConversationId, after: u64, limit: usize) -> Result<Vec<Event>> {
    let range = record::range(id).after(record::key(id, after));
    view.read(&range, Direction::Forward, limit, |key, value| record::event(id, record::seq(key)?, value))
}

/// Gives the last events before a number, in order.
pub(super) fn before(
    view: &dyn View,
    id: ConversationId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Event>> {
    let mut range = record::range(id);
    if let Some(before) = before {
        range = range.ending_before(record::key(id, before));
    }
    let read = |key: &[u8], value: &[u8]| record::event(id, record::seq(key)?, value);
    let mut events = view.read(&range, Direction::Backward, limit, read)?;
    events.reverse();
    Ok(events)
}

/// Gives messages that contain a text, the newest first, and the number of the last event that was read.
pub(super) fn search(
    view: &dyn View,
    id: ConversationId,
    query: &str,
    before: Option<u64>,
    limit: usize,
    budget: usize,
) -> Result<(Vec<Event>, u64)> {
    let mut range = record::range(id);
    if let Some(before) = before {
        range = range.ending_before(record::key(id, before));
    }
    let query = query.to_lowercase();
    let (mut found, mut read, mut last) = (Vec::new(), 0, 0);
    view.visit(&range, Direction::Backward, &mut |key, value| {
        let seq = record::seq(key)?;
        (read, last) = (read + 1, seq);
        let record = Record::of(value)?;
        if record.kind == Kind::Message {
            let text = record.decode()?.text;
            if text.is_some_and(|text| text.to_lowercase().contains(&query)) {
                found.push(record::event(id, seq, value)?);
            }
        }
        Ok(if found.len() < limit && read < budget {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    })?;
    // The first event has the number 1: nothing is left after it.
    let last = if last == 1 { 0 } else { last };
    Ok((found, last))
}
