//! Contacts and blocks.

mod relation;

use async_trait::async_trait;
use ports::{Contacts, Result};
use protocol::account::Contact;
use protocol::{ConversationId, Timestamp, Username};

pub(crate) use self::relation::Relation;
use self::relation::sorted;
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::entity;
use crate::value::{unexpected, username};

static CONTACTS: Script = entity!("contacts");
static VISIBLE: Script = entity!("visible_contacts");

#[async_trait]
impl Contacts for RedisStore {
    async fn contacts(&self, username: &Username) -> Result<Vec<Contact>> {
        let keys = self.user(username);
        let touched = vec![keys.related(Relation::Contact), keys.related_by(Relation::Contact)];
        let listed: Vec<(String, String, bool)> =
            self.look(Call::new(&CONTACTS, touched, Vec::new())).await?;
        let mut contacts: Vec<Contact> = listed.into_iter().map(contact).collect::<Result<_>>()?;
        contacts.sort_unstable_by(|one, other| one.username.cmp(&other.username));
        Ok(contacts)
    }

    async fn visible_contacts(&self, username: &Username) -> Result<Vec<Username>> {
        let keys = self.user(username);
        let touched = [Relation::Contact, Relation::Block].into_iter();
        let touched =
            touched.flat_map(|relation| [keys.related(relation), keys.related_by(relation)]).collect();
        let visible: Vec<String> = self.look(Call::new(&VISIBLE, touched, Vec::new())).await?;
        sorted(&visible)
    }

    async fn put_contact(&self, username: &Username, contact: &Username, at: Timestamp) -> Result<()> {
        self.relate(Relation::Contact, username, contact, at).await.map(|_| ())
    }

    async fn delete_contact(&self, username: &Username, contact: &Username) -> Result<()> {
        self.unrelate(Relation::Contact, username, contact).await.map(|_| ())
    }

    async fn blocks(&self, username: &Username) -> Result<Vec<Username>> {
        self.names(self.user(username).related(Relation::Block)).await
    }

    async fn put_block(
        &self,
        username: &Username,
        blocked: &Username,
        at: Timestamp,
    ) -> Result<Option<ConversationId>> {
        self.relate(Relation::Block, username, blocked, at).await.map(|told| told.conversation)
    }

    async fn delete_block(&self, username: &Username, blocked: &Username) -> Result<Option<ConversationId>> {
        match self.unrelate(Relation::Block, username, blocked).await? {
            Some(told) => Ok(told.conversation),
            None => self.direct_between(username, blocked).await,
        }
    }
}

/// Reads a contact as the script lists it.
fn contact((name, change, mutual): (String, String, bool)) -> Result<Contact> {
    let added_at = change.split_once(' ').and_then(|(_, at)| at.parse().ok()).map(Timestamp);
    let added_at = added_at.ok_or_else(|| unexpected("a contact that is none"))?;
    Ok(Contact { username: username(&name)?, mutual, added_at })
}
