//! The contacts.

use anyhow::Result;
use clap::Subcommand;
use client::{PageOf, Session};
use protocol::Username;

use super::terminal;

/// What to do with the contacts.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Add a contact; it is mutual once the other has added this user.
    Add {
        /// Whom.
        username: String,
    },
    /// Remove a contact.
    Remove {
        /// Whom.
        username: String,
    },
}

/// Lists, adds or removes.
pub(super) async fn run(session: &Session, command: Option<Command>) -> Result<()> {
    match command {
        Some(Command::Add { username }) => Ok(session.add_contact(&Username::new(&username)?).await?),
        Some(Command::Remove { username }) => Ok(session.remove_contact(&Username::new(&username)?).await?),
        None => list(session).await,
    }
}

async fn list(session: &Session) -> Result<()> {
    let mut page_of = PageOf::default();
    loop {
        let page = session.contacts(&page_of).await?;
        for contact in page.items {
            let note = if contact.mutual { "" } else { " (has not added you)" };
            terminal::line(&format!("{}{note}", contact.username))?;
        }
        match page.next_cursor {
            Some(cursor) => page_of.cursor = Some(cursor),
            None => return Ok(()),
        }
    }
}
