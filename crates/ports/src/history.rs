//! Pages of a conversation's history: its messages as they are now, without the events that changed them.

use std::collections::BTreeMap;

use protocol::chat::MessageView;
use protocol::{ConversationId, Event, EventBody, EventKind, Position, Username};

use crate::{Error, Log, Result};

/// The fewest events that are read at once: events that are no messages lie between those that are.
const FEWEST: usize = 32;

/// The most events that are read at once.
const MOST: usize = 512;

/// A message before what was put on it is known.
type Message = (Position, EventBody);

/// Gives a page of a conversation in order of seq, at most `limit` messages, and whether there are more in the direction of reading.
///
/// With `after` it reads forwards, the first messages after that number (and before `before`, if both are given); else
/// backwards, the last messages before `before`, or the newest. Each message is as it is now: with its last text, or
/// as a tombstone if it was taken back, and with its reactions.
///
/// # Errors
/// As the log's; `Corrupt` if it holds what is no event.
pub async fn page(
    log: &dyn Log,
    conversation: ConversationId,
    before: Option<u64>,
    after: Option<u64>,
    limit: usize,
) -> Result<(Vec<MessageView>, bool)> {
    let (messages, more) = match after {
        Some(after) => forwards(log, conversation, after, before, limit).await?,
        None => backwards(log, conversation, before, limit).await?,
    };
    Ok((views(log, conversation, messages).await?, more))
}

/// Gives the message that an event is, as it is now; nothing if the event is none.
///
/// # Errors
/// As the log's; `Corrupt` if it is no event.
pub async fn message(log: &dyn Log, event: &Event) -> Result<Option<MessageView>> {
    let messages: Vec<Message> = decode(event)?.into_iter().collect();
    Ok(views(log, event.conversation, messages).await?.pop())
}

async fn backwards(
    log: &dyn Log,
    conversation: ConversationId,
    mut before: Option<u64>,
    limit: usize,
) -> Result<(Vec<Message>, bool)> {
    let mut found = Vec::new();
    while found.len() <= limit {
        let events = log.events_before(conversation, before, chunk(limit, found.len())).await?;
        let Some(first) = events.first() else { break };
        for event in events.iter().rev() {
            found.extend(decode(event)?);
        }
        before = Some(first.position.seq);
        if first.position.seq <= 1 {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    found.reverse();
    Ok((found, more))
}

async fn forwards(
    log: &dyn Log,
    conversation: ConversationId,
    mut after: u64,
    before: Option<u64>,
    limit: usize,
) -> Result<(Vec<Message>, bool)> {
    let mut found = Vec::new();
    while found.len() <= limit {
        let events = log.events(conversation, after, chunk(limit, found.len())).await?;
        let Some(last) = events.last() else { break };
        let wanted = |event: &&Event| before.is_none_or(|before| event.position.seq < before);
        for event in events.iter().take_while(wanted) {
            found.extend(decode(event)?);
        }
        after = last.position.seq;
        if !wanted(&last) {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    Ok((found, more))
}

/// How many events to read when `found` messages are there: one more than the page has shows whether there are more.
fn chunk(limit: usize, found: usize) -> usize {
    limit.saturating_sub(found).saturating_add(1).clamp(FEWEST, MOST)
}

fn decode(event: &Event) -> Result<Option<Message>> {
    let body = EventBody::decode(&event.body).map_err(|_| Error::Corrupt(format!("event {event:?}")))?;
    Ok((body.kind == EventKind::Message).then_some((event.position, body)))
}

/// Puts the reactions on messages that follow each other.
async fn views(
    log: &dyn Log,
    conversation: ConversationId,
    messages: Vec<Message>,
) -> Result<Vec<MessageView>> {
    let (Some((first, _)), Some((last, _))) = (messages.first(), messages.last()) else {
        return Ok(Vec::new());
    };
    let mut reactions: BTreeMap<u64, BTreeMap<String, Vec<Username>>> = BTreeMap::new();
    for reaction in log.reactions(conversation, first.seq, last.seq).await? {
        let emojis = reactions.entry(reaction.target).or_default();
        emojis.entry(reaction.emoji).or_default().push(reaction.username);
    }
    let view = |(position, body): Message| {
        let reactions = reactions.remove(&position.seq).unwrap_or_default();
        MessageView::new(conversation, position, body, reactions)
    };
    Ok(messages.into_iter().map(view).collect())
}
