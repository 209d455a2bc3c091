//! Contacts and blocks.

use async_trait::async_trait;
use protocol::account::Contact;
use protocol::{ConversationId, Timestamp, Username};

use crate::Result;

/// Who knows whom. A contact is mutual once both have added each other; only then, and while neither blocks, they see each other's presence.
#[async_trait]
pub trait Contacts: Send + Sync {
    /// Gives a user's contacts in order of their names.
    async fn contacts(&self, username: &Username) -> Result<Vec<Contact>>;

    /// Gives the users who may see this one's presence and the other way round: mutual contacts without blocks, in order of their names.
    async fn visible_contacts(&self, username: &Username) -> Result<Vec<Username>>;

    /// Adds a contact; nothing happens if it is one. Fails with `UserNotFound`, or `LimitReached` at 5,000 contacts.
    async fn put_contact(&self, username: &Username, contact: &Username, at: Timestamp) -> Result<()>;

    /// Removes a contact; nothing happens if it is none.
    async fn delete_contact(&self, username: &Username, contact: &Username) -> Result<()>;

    /// Gives whom a user blocks, in order of their names.
    async fn blocks(&self, username: &Username) -> Result<Vec<Username>>;

    /// Blocks a user, and closes the direct conversation of the two if there is one, whose id it gives.
    /// Fails with `UserNotFound`, or `LimitReached` at 5,000 blocks.
    async fn put_block(
        &self,
        username: &Username,
        blocked: &Username,
        at: Timestamp,
    ) -> Result<Option<ConversationId>>;

    /// Lifts a block, and opens the direct conversation again unless the other blocks as well.
    async fn delete_block(&self, username: &Username, blocked: &Username) -> Result<Option<ConversationId>>;
}
