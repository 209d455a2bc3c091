//! Finding what a person means by a name.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use client::{Destination, PageOf, Session};
use protocol::conversation::{ConversationKind, ConversationView};
use protocol::{ConversationId, Position, Username};

use super::conversations;

/// How many pages of 200 conversations are looked through.
const MAX_PAGES: usize = 20;

/// Somebody or something to talk to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Where messages go.
    pub(super) destination: Destination,
    /// The conversation; a direct one may not exist yet.
    pub(super) conversation: Option<ConversationId>,
    /// How it is called.
    pub(super) name: String,
    /// Where all conversations stood: what happens later is news.
    pub(super) cursors: BTreeMap<ConversationId, Position>,
}

/// Takes a conversation's identifier or a user's name.
pub(super) fn destination(text: &str) -> Result<Destination> {
    match (ConversationId::parse(text), Username::new(text)) {
        // An identifier in lower case could be a name as well, but nobody is called like that by chance.
        (Ok(conversation), _) => Ok(Destination::Conversation(conversation)),
        (Err(_), Ok(user)) => Ok(Destination::User(user)),
        (Err(_), Err(_)) => bail!("{text:?} is neither a username nor the identifier of a conversation"),
    }
}

/// Looks for it among the user's conversations.
pub(super) async fn find(session: &Session, text: &str) -> Result<Found> {
    let me = session.username();
    let mut found = Found {
        destination: destination(text)?,
        conversation: None,
        name: text.to_owned(),
        cursors: BTreeMap::new(),
    };
    let mut page_of = PageOf { limit: Some(200), cursor: None };
    for _ in 0..MAX_PAGES {
        let page = session.conversations(&page_of).await?;
        for view in page.items {
            if is_meant(&found.destination, &view, &me) {
                (found.conversation, found.name) = (Some(view.id), conversations::name(&view, &me));
            }
            if let Some(state) = view.state {
                found.cursors.insert(view.id, Position { r#gen: state.r#gen, seq: state.seq });
            }
        }
        match page.next_cursor {
            Some(cursor) => page_of.cursor = Some(cursor),
            None => break,
        }
    }
    match found.destination {
        Destination::Conversation(_) if found.conversation.is_none() => {
            bail!("there is no such conversation")
        }
        _ => Ok(found),
    }
}

/// Says whether a conversation is the one that is meant.
pub(super) fn is_meant(destination: &Destination, view: &ConversationView, me: &Username) -> bool {
    match destination {
        Destination::Conversation(id) => view.id == *id,
        Destination::User(user) => {
            let others = || view.members.iter().map(|member| &member.username).filter(|name| *name != me);
            view.kind == ConversationKind::Direct
                && if user == me { others().next().is_none() } else { others().any(|name| name == user) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use super::*;

    #[test]
    fn names_and_identifiers_are_told_apart() {
        assert_eq!(destination("Bob").unwrap(), Destination::User(Username::new("bob").unwrap()));
        let id = ConversationId([9; 16]);
        assert_eq!(destination(&id.to_string()).unwrap(), Destination::Conversation(id));
        assert!(destination("b\u{1b}[2J").is_err());
    }
}
