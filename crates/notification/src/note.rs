//! What a push says of a message.

use ports::Note;

use crate::audience::News;

/// How many characters of a message a push shows.
const MAX_SHOWN: usize = 200;

/// Makes the note of a message: who wrote it, where, and how it begins.
pub(crate) fn note_of(news: &News, ttl_seconds: u64) -> Note {
    let News { conversation, event, body } = news;
    let (id, seq) = (event.conversation, event.position.seq);
    let title = match &conversation.title {
        Some(title) => format!("{} · {title}", body.from),
        None => body.from.to_string(),
    };
    let text = body.text.as_deref().unwrap_or("New message");
    Note {
        id: format!("{id}-{seq}"),
        title,
        body: Some(text.chars().take(MAX_SHOWN).collect()),
        data: Some(serde_json::json!({ "conversation": id, "seq": seq })),
        collapse_key: Some(id.to_string()),
        ttl_seconds,
    }
}
