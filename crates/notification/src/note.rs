//! What a push says of a message.

use ports::{Conversation, Note, OutboxEntry};
use protocol::EventBody;

/// How many characters of a message a push shows.
const MAX_SHOWN: usize = 200;

/// Makes the note of a message: who wrote it, where, and how it begins.
pub(crate) fn note_of(
    entry: &OutboxEntry,
    conversation: &Conversation,
    body: &EventBody,
    ttl_seconds: u64,
) -> Note {
    let title = match &conversation.title {
        Some(title) => format!("{} · {title}", entry.from),
        None => entry.from.to_string(),
    };
    let text = body.text.as_deref().unwrap_or("New message");
    Note {
        id: format!("{}-{}", entry.conversation, entry.seq),
        title,
        body: Some(text.chars().take(MAX_SHOWN).collect()),
        data: Some(serde_json::json!({ "conversation": entry.conversation, "seq": entry.seq })),
        collapse_key: Some(entry.conversation.to_string()),
        ttl_seconds,
    }
}
