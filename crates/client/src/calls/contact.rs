//! Contacts and blocks.

use protocol::Username;
use protocol::account::{Contact, Page};

use super::{Call, PageOf};
use crate::{Error, Session};

impl Session {
    /// Gives the user's contacts.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn contacts(&self, page: &PageOf) -> Result<Page<Contact>, Error> {
        self.ask(&Call::get(["api", "contacts"]).page(page)).await
    }

    /// Adds a contact; it is mutual once the other has added this user.
    ///
    /// # Errors
    /// The server refuses with `user_not_found`.
    pub async fn add_contact(&self, username: &Username) -> Result<(), Error> {
        self.run(&Call::put(["api", "contacts", username.as_str()])).await
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove_contact(&self, username: &Username) -> Result<(), Error> {
        self.run(&Call::delete(["api", "contacts", username.as_str()])).await
    }

    /// Blocks a user, who can then neither write nor see this user's presence.
    ///
    /// # Errors
    /// The server refuses with `user_not_found`.
    pub async fn block(&self, username: &Username) -> Result<(), Error> {
        self.run(&Call::put(["api", "blocks", username.as_str()])).await
    }

    /// Lifts a block.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn unblock(&self, username: &Username) -> Result<(), Error> {
        self.run(&Call::delete(["api", "blocks", username.as_str()])).await
    }
}
