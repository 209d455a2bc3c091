//! Contacts and blocks.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use ports::{Contacts, Error, Result};
use protocol::account::Contact;
use protocol::{ConversationId, Timestamp, Username};

use super::StoreHandle;
use super::data::Person;
use super::state::State;
use crate::history::Happened;

/// How many contacts a user has at most, and how many blocks.
const LIMIT: usize = 5_000;

/// A relation between users: where it is kept, and what it is called in errors.
#[derive(Clone, Copy)]
struct Relation {
    of: fn(&mut Person) -> &mut BTreeMap<Username, Timestamp>,
    name: &'static str,
}

const CONTACTS: Relation = Relation { of: |person| &mut person.contacts, name: "contacts" };
const BLOCKS: Relation = Relation { of: |person| &mut person.blocks, name: "blocks" };

#[async_trait]
impl Contacts for StoreHandle {
    async fn contacts(&self, username: &Username) -> Result<Vec<Contact>> {
        let username = username.clone();
        self.call(move |state| {
            let Some(person) = state.data.people.get(&username) else { return Ok(Vec::new()) };
            let contact = |(other, added_at): (&Username, &Timestamp)| Contact {
                username: other.clone(),
                mutual: state.has_added(other, &username),
                added_at: *added_at,
            };
            Ok(person.contacts.iter().map(contact).collect())
        })
        .await
    }

    async fn visible_contacts(&self, username: &Username) -> Result<Vec<Username>> {
        let username = username.clone();
        self.call(move |state| {
            let Some(person) = state.data.people.get(&username) else { return Ok(Vec::new()) };
            let visible = person.contacts.keys().filter(|other| state.sees(&username, other));
            Ok(visible.cloned().collect())
        })
        .await
    }

    async fn put_contact(&self, username: &Username, contact: &Username, at: Timestamp) -> Result<()> {
        let (username, contact) = (username.clone(), contact.clone());
        self.call(move |state| state.relate(CONTACTS, &username, &contact, at)).await
    }

    async fn delete_contact(&self, username: &Username, contact: &Username) -> Result<()> {
        let (username, contact) = (username.clone(), contact.clone());
        self.call(move |state| {
            state.part(CONTACTS, &username, &contact);
            Ok(())
        })
        .await
    }

    async fn blocks(&self, username: &Username) -> Result<Vec<Username>> {
        let username = username.clone();
        self.call(move |state| {
            let person = state.data.people.get(&username);
            Ok(person.map(|person| person.blocks.keys().cloned().collect()).unwrap_or_default())
        })
        .await
    }

    async fn put_block(
        &self,
        username: &Username,
        blocked: &Username,
        at: Timestamp,
    ) -> Result<Option<ConversationId>> {
        let (username, blocked) = (username.clone(), blocked.clone());
        self.call(move |state| {
            state.relate(BLOCKS, &username, &blocked, at)?;
            Ok(state.close_or_open(&username, &blocked))
        })
        .await
    }

    async fn delete_block(&self, username: &Username, blocked: &Username) -> Result<Option<ConversationId>> {
        let (username, blocked) = (username.clone(), blocked.clone());
        self.call(move |state| {
            state.part(BLOCKS, &username, &blocked);
            Ok(state.close_or_open(&username, &blocked))
        })
        .await
    }
}

impl State {
    /// Says whether a user blocks another.
    pub(super) fn blocks(&self, username: &Username, other: &Username) -> bool {
        self.data.people.get(username).is_some_and(|person| person.blocks.contains_key(other))
    }

    /// Says whether the direct conversation of two users is closed: one blocks the other, or is gone.
    pub(super) fn is_closed(&self, one: &Username, other: &Username) -> bool {
        self.blocks(one, other)
            || self.blocks(other, one)
            || self.account(one).is_none()
            || self.account(other).is_none()
    }

    /// Gives those pairs who see each other's presence, the smaller name first.
    pub(super) fn visible_pairs(&self) -> BTreeSet<(Username, Username)> {
        let mut pairs = BTreeSet::new();
        for (username, person) in self.data.people.iter() {
            let others = person.contacts.keys().filter(|other| username <= *other);
            let visible = others.filter(|other| self.sees(username, other));
            pairs.extend(visible.map(|other| (username.clone(), other.clone())));
        }
        pairs
    }

    /// Forgets what a user has besides the account, and the user among the contacts and blocks of others.
    pub(super) fn forget_person(&mut self, username: &Username) {
        let knows =
            |person: &Person| person.contacts.contains_key(username) || person.blocks.contains_key(username);
        let people = self.data.people.iter().filter(|(_, person)| knows(person));
        let others: Vec<Username> = people.map(|(other, _)| other.clone()).collect();
        for other in &others {
            self.part(CONTACTS, other, username);
            self.part(BLOCKS, other, username);
        }
        self.change().people.remove(username);
    }

    /// Relates a user to another; nothing happens if that is so already.
    fn relate(
        &mut self,
        relation: Relation,
        username: &Username,
        other: &Username,
        at: Timestamp,
    ) -> Result<()> {
        self.check_account(username)?;
        self.check_account(other)?;
        let saw = self.sees(username, other);
        let related = (relation.of)(self.change().people.edit_or_make(username));
        if related.contains_key(other) {
            return Ok(());
        }
        if related.len() >= LIMIT {
            return Err(Error::LimitReached(relation.name));
        }
        related.insert(other.clone(), at);
        self.note_visibility(username, other, saw);
        Ok(())
    }

    /// Relates a user to another no more; nothing happens if that is so already.
    fn part(&mut self, relation: Relation, username: &Username, other: &Username) {
        let saw = self.sees(username, other);
        if let Some(person) = self.change().people.edit(username) {
            (relation.of)(person).remove(other);
        }
        self.note_visibility(username, other, saw);
    }

    /// Says whether two see each other's presence: both have added the other, and neither blocks.
    fn sees(&self, one: &Username, other: &Username) -> bool {
        self.has_added(one, other)
            && self.has_added(other, one)
            && !self.blocks(one, other)
            && !self.blocks(other, one)
    }

    fn has_added(&self, username: &Username, other: &Username) -> bool {
        self.data.people.get(username).is_some_and(|person| person.contacts.contains_key(other))
    }

    fn note_visibility(&self, one: &Username, other: &Username, before: bool) {
        let visible = self.sees(one, other);
        if visible != before {
            let (one, other) = (one.min(other).clone(), one.max(other).clone());
            self.note(Happened::Visible { one, other, visible });
        }
    }
}
