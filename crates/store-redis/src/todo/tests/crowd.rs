//! Many who do everything to each other at once, some of whom are stopped halfway: in the end all sides agree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use ports::{Accounts, Contacts, Conversation, Conversations, NewGroup};
use protocol::conversation::ConversationKind;
use protocol::{ConversationId, Username};

use super::scene::{NOW, store, user};
use crate::RedisStore;
use crate::todo::interruption;

/// How many users there are, and groups.
const USERS: usize = 5;
/// How many of them do something at once.
const AT_ONCE: usize = 12;
/// How often.
const ROUNDS: usize = 25;

/// Numbers that look random (a linear congruential generator, Knuth's constants for MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// Something that one user does to another, or in a group.
#[derive(Clone, Copy, Debug)]
struct Deed {
    what: usize,
    by: usize,
    to: usize,
    group: usize,
    /// After how many writes it is stopped.
    writes: usize,
}

impl Deed {
    fn any(dice: &mut Dice) -> Self {
        let [what, by, to, group] = [60, USERS, USERS, USERS].map(|limit| dice.below(limit));
        let writes = if dice.below(3) == 0 { 1 + dice.below(4) } else { usize::MAX };
        Self { what, by, to, group, writes }
    }

    /// What the others make impossible fails, which is as well.
    async fn done(self, store: &RedisStore, users: &[Username]) {
        let (by, to, group) = (&users[self.by], &users[self.to], group_id(self.group));
        match self.what {
            0..8 => drop(store.put_contact(by, to, NOW).await),
            8..16 => drop(store.delete_contact(by, to).await),
            16..24 => drop(store.put_block(by, to, NOW).await),
            24..32 => drop(store.delete_block(by, to).await),
            32..40 => drop(store.direct_conversation(by, to, NOW).await),
            40..49 => drop(store.put_member(group, by, to, None).await),
            49..58 => drop(store.remove_member(group, by, to).await),
            _ => drop(store.delete_account(by, NOW).await),
        }
    }
}

fn group_id(number: usize) -> ConversationId {
    ConversationId([u8::try_from(number).unwrap(); 16])
}

#[tokio::test]
async fn all_sides_agree_in_the_end() {
    for seed in 0..4 {
        let mut dice = Dice(seed);
        let store = store().await;
        let mut users = Vec::new();
        for number in 0..USERS {
            users.push(user(&store, &format!("user{number}")).await);
        }
        for (number, owner) in users.iter().enumerate() {
            let (id, owner, members) = (group_id(number), owner.clone(), users.clone());
            store.create_group(NewGroup { id, title: None, owner, members, at: NOW }).await.unwrap();
        }
        for _ in 0..ROUNDS {
            let deeds: Vec<Deed> = (0..AT_ONCE).map(|_| Deed::any(&mut dice)).collect();
            join_all(deeds.iter().map(|deed| interruption::after(deed.writes, deed.done(&store, &users))))
                .await;
        }
        store.finish_intents(Duration::ZERO).await.unwrap();
        check(&store, &users).await;
    }
}

/// Checks that what is derived is what follows from the truth.
async fn check(store: &RedisStore, users: &[Username]) {
    let (mut contacts, mut blocks, mut gone) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for user in users {
        if store.account(user).await.unwrap().is_none() {
            gone.insert(user);
        }
        let added: Vec<Username> =
            store.contacts(user).await.unwrap().into_iter().map(|contact| contact.username).collect();
        contacts.insert(user, added);
        blocks.insert(user, store.blocks(user).await.unwrap());
    }
    let blocked =
        |one: &Username, other: &Username| blocks[one].contains(other) || blocks[other].contains(one);
    for user in users {
        assert!(!gone.contains(user) || (contacts[user].is_empty() && blocks[user].is_empty()));
        assert!(contacts[user].iter().chain(&blocks[user]).all(|other| !gone.contains(other)));
        let mutual = |other: &&Username| contacts[user].contains(other) && contacts[*other].contains(user);
        let visible = users.iter().filter(mutual).filter(|other| !blocked(user, other)).cloned();
        assert_eq!(store.visible_contacts(user).await.unwrap(), visible.collect::<Vec<_>>(), "{user}");
    }

    let mut conversations: BTreeMap<ConversationId, Conversation> = BTreeMap::new();
    for user in users {
        for membership in store.memberships(user).await.unwrap() {
            let id = membership.conversation;
            conversations.insert(id, store.conversation(id).await.unwrap().unwrap());
        }
    }
    for number in 0..users.len() {
        let group = store.conversation(group_id(number)).await.unwrap().unwrap();
        assert!(group.members.iter().all(|member| !gone.contains(&member.username)), "{group:?}");
        conversations.insert(group.id, group);
    }
    for user in users.iter().filter(|user| !gone.contains(user)) {
        let listed =
            store.memberships(user).await.unwrap().into_iter().map(|membership| membership.conversation);
        let is_member =
            |conversation: &&Conversation| conversation.members.iter().any(|member| member.username == *user);
        let expected: BTreeSet<ConversationId> =
            conversations.values().filter(is_member).map(|conversation| conversation.id).collect();
        assert_eq!(listed.collect::<BTreeSet<_>>(), expected, "{user}");
    }
    for direct in conversations.values().filter(|conversation| conversation.kind == ConversationKind::Direct)
    {
        let (first, last) = (&direct.members[0].username, &direct.members[direct.members.len() - 1].username);
        let closed = blocked(first, last) || gone.contains(first) || gone.contains(last);
        assert_eq!(direct.blocked, closed, "{direct:?}");
    }
}
