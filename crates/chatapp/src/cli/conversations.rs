//! The list of conversations.

use anyhow::Result;
use client::{PageOf, Session};
use protocol::Username;
use protocol::conversation::{ConversationKind, ConversationView};

use super::{plain, terminal};

/// Prints a line a conversation: its identifier, what is unread, and its name.
pub(super) async fn run(session: &Session) -> Result<()> {
    let me = session.username();
    let mut page_of = PageOf::default();
    loop {
        let page = session.conversations(&page_of).await?;
        for conversation in &page.items {
            let unread = conversation.state.as_ref().map_or(0, |state| state.unread);
            terminal::line(&format!("{} {unread:4} {}", conversation.id, name(conversation, &me)))?;
        }
        match page.next_cursor {
            Some(cursor) => page_of.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}

/// Gives a name for a conversation that fits on a line.
pub(super) fn name(conversation: &ConversationView, me: &Username) -> String {
    if let Some(title) = &conversation.title {
        return plain::line(title);
    }
    let others: Vec<&str> = conversation
        .members
        .iter()
        .map(|member| member.username.as_str())
        .filter(|name| *name != me.as_str())
        .collect();
    match (conversation.kind, others.as_slice()) {
        (_, []) => "yourself".to_owned(),
        (ConversationKind::Direct, _) => others.concat(),
        (ConversationKind::Group, _) => others.join(", "),
    }
}
