//! Contacts and blocks, each kept in both directions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use ports::{Contacts, Result};
use protocol::account::Contact;
use protocol::{ConversationId, Timestamp, Username};

use crate::engine::View;
use crate::keys::Table;
use crate::packing::Parts;
use crate::writer::WriteContext;
use crate::{EmbeddedStore, accounts, conversations, count};

/// How many contacts a user has at most, and how many blocks.
const LIMIT: u64 = 5_000;

/// A relation between users: its table, the one of the other direction, and what it is called in errors.
#[derive(Clone, Copy)]
struct Relation {
    table: Table,
    reverse: Table,
    name: &'static str,
}

const CONTACTS: Relation = Relation { table: Table::Contact, reverse: Table::ContactOf, name: "contacts" };
const BLOCKS: Relation = Relation { table: Table::Block, reverse: Table::BlockedBy, name: "blocks" };

#[async_trait]
impl Contacts for EmbeddedStore {
    async fn contacts(&self, username: &Username) -> Result<Vec<Contact>> {
        let username = username.clone();
        self.read_many(move |view| {
            let added_by: BTreeSet<Username> =
                names(view, Table::ContactOf, &username)?.into_iter().collect();
            view.read_all(&Table::Contact.key().name(&username).range(), |key, added_at| {
                let contact = other(key)?;
                let mutual = added_by.contains(&contact);
                Ok(Contact { username: contact, mutual, added_at: Parts::of(added_at).time()? })
            })
        })
        .await
    }

    async fn visible_contacts(&self, username: &Username) -> Result<Vec<Username>> {
        let username = username.clone();
        self.read_many(move |view| {
            let set = |table| Ok(names(view, table, &username)?.into_iter().collect::<BTreeSet<_>>());
            let (added_by, blocked, blocked_by) =
                (set(Table::ContactOf)?, set(Table::Block)?, set(Table::BlockedBy)?);
            let mut visible = names(view, Table::Contact, &username)?;
            visible.retain(|contact| {
                added_by.contains(contact) && !blocked.contains(contact) && !blocked_by.contains(contact)
            });
            Ok(visible)
        })
        .await
    }

    async fn put_contact(&self, username: &Username, contact: &Username, at: Timestamp) -> Result<()> {
        let (username, contact) = (username.clone(), contact.clone());
        self.write(move |context| CONTACTS.put(context, &username, &contact, at)).await
    }

    async fn delete_contact(&self, username: &Username, contact: &Username) -> Result<()> {
        let (username, contact) = (username.clone(), contact.clone());
        self.write(move |context| CONTACTS.delete(context, &username, &contact)).await
    }

    async fn blocks(&self, username: &Username) -> Result<Vec<Username>> {
        let username = username.clone();
        self.read_many(move |view| names(view, Table::Block, &username)).await
    }

    async fn put_block(
        &self,
        username: &Username,
        blocked: &Username,
        at: Timestamp,
    ) -> Result<Option<ConversationId>> {
        let (username, blocked) = (username.clone(), blocked.clone());
        self.write(move |context| {
            BLOCKS.put(context, &username, &blocked, at)?;
            conversations::close_or_open(context, &username, &blocked)
        })
        .await
    }

    async fn delete_block(&self, username: &Username, blocked: &Username) -> Result<Option<ConversationId>> {
        let (username, blocked) = (username.clone(), blocked.clone());
        self.write(move |context| {
            BLOCKS.delete(context, &username, &blocked)?;
            conversations::close_or_open(context, &username, &blocked)
        })
        .await
    }
}

impl Relation {
    /// Relates a user to another; nothing happens if that is so already.
    fn put(
        self,
        context: &mut WriteContext<'_>,
        username: &Username,
        other: &Username,
        at: Timestamp,
    ) -> Result<()> {
        accounts::check_exists(context.view(), username)?;
        accounts::check_exists(context.view(), other)?;
        let key = key(self.table, username, other);
        if context.view().has(&key)? {
            return Ok(());
        }
        count::increase(context, self.table, username, LIMIT, self.name)?;
        context.put(key, at.0.to_be_bytes().to_vec());
        context.put(self::key(self.reverse, other, username), Vec::new());
        Ok(())
    }

    /// Relates a user to another no more; nothing happens if that is so already.
    fn delete(self, context: &mut WriteContext<'_>, username: &Username, other: &Username) -> Result<()> {
        let key = key(self.table, username, other);
        if !context.view().has(&key)? {
            return Ok(());
        }
        count::decrease(context, self.table, username)?;
        context.delete(key);
        context.delete(self::key(self.reverse, other, username));
        Ok(())
    }
}

/// Says whether a user blocks another.
pub(crate) fn blocks(view: &dyn View, username: &Username, other: &Username) -> Result<bool> {
    view.has(&key(Table::Block, username, other))
}

/// Says whether the direct conversation of two users is closed: one blocks the other, or is gone.
pub(crate) fn is_closed(view: &dyn View, one: &Username, other: &Username) -> Result<bool> {
    Ok(blocks(view, one, other)?
        || blocks(view, other, one)?
        || !accounts::exists(view, one)?
        || !accounts::exists(view, other)?)
}

/// Forgets a user's contacts and blocks, and the user among those of others.
pub(crate) fn forget(context: &mut WriteContext<'_>, username: &Username) -> Result<()> {
    for relation in [CONTACTS, BLOCKS] {
        for other in names(context.view(), relation.table, username)? {
            relation.delete(context, username, &other)?;
        }
        for other in names(context.view(), relation.reverse, username)? {
            relation.delete(context, &other, username)?;
        }
    }
    Ok(())
}

/// Gives the users whom a table relates to one, in order of their names.
fn names(view: &dyn View, table: Table, username: &Username) -> Result<Vec<Username>> {
    view.read_all(&table.key().name(username).range(), |key, _| other(key))
}

/// Gives the second user of a key.
fn other(key: &[u8]) -> Result<Username> {
    let mut parts = Parts::of(key);
    parts.byte()?;
    parts.name()?;
    parts.last_name()
}

fn key(table: Table, username: &Username, other: &Username) -> Vec<u8> {
    table.key().name(username).rest(other.as_str()).bytes()
}
