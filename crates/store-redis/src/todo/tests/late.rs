//! Words about derived parts that come late: after newer ones, or after an account was deleted.

use ports::{Accounts, Contacts, Conversations, NewGroup};
use protocol::ConversationId;

use super::scene::{NOW, account, store, user};
use crate::contacts::Relation;
use crate::todo::Change;

#[tokio::test]
async fn an_older_change_of_a_relation_changes_nothing() {
    let store = store().await;
    let (ada, ben) = (user(&store, "ada").await, user(&store, "ben").await);
    let direct = store.direct_conversation(&ada, &ben, NOW).await.unwrap().id;
    store.put_contact(&ben, &ada, NOW).await.unwrap();
    let change = |relation, number, is_related| Change {
        relation,
        username: ada.clone(),
        other: ben.clone(),
        number,
        is_related,
    };
    for (number, is_related) in [(2, false), (1, true)] {
        store.tell(&change(Relation::Contact, number, is_related)).await.unwrap();
        store.tell(&change(Relation::Block, number, is_related)).await.unwrap();
    }
    assert!(!store.contacts(&ben).await.unwrap()[0].mutual);
    assert!(!store.conversation(direct).await.unwrap().unwrap().blocked);
    for (number, is_related) in [(4, true), (3, false)] {
        store.tell(&change(Relation::Contact, number, is_related)).await.unwrap();
        store.tell(&change(Relation::Block, number, is_related)).await.unwrap();
    }
    assert!(store.contacts(&ben).await.unwrap()[0].mutual);
    assert!(store.conversation(direct).await.unwrap().unwrap().blocked);
}

#[tokio::test]
async fn one_who_joined_again_does_not_leave_by_an_older_word() {
    let store = store().await;
    let ada = user(&store, "ada").await;
    let id = group(&store, "ada").await;
    store.left(id, 1, &ada).await.unwrap();
    assert_eq!(store.memberships(&ada).await.unwrap().len(), 1);
    // A late entry of one who is no member does not show.
    let ben = user(&store, "ben").await;
    store.joined(id, 1, Some(&ben)).await.unwrap();
    assert_eq!(store.memberships(&ben).await, Ok(Vec::new()));
}

#[tokio::test]
async fn an_older_name_does_not_replace_a_newer_one() {
    let store = store().await;
    let ada = user(&store, "ada").await;
    let display_name = Some("Countess".to_owned());
    let change = ports::ProfileChange { display_name, ..ports::ProfileChange::default() };
    store.change_profile(&ada, change).await.unwrap();
    store.index_new(&ada, "The ada").await.unwrap();
    assert_eq!(store.search_accounts("countess", None, 1).await.unwrap().users.len(), 1);
}

#[tokio::test]
async fn nobody_is_put_together_with_one_who_is_gone() {
    let store = store().await;
    let (ada, ben) = (user(&store, "ada").await, user(&store, "ben").await);
    let id = group(&store, "ada").await;
    store.put_member(id, &ada, &ben, None).await.unwrap();
    let direct = store.direct_conversation(&ada, &ben, NOW).await.unwrap();
    store.delete_account(&ben, NOW).await.unwrap();

    // What was under way when the account was deleted.
    let change = Change {
        relation: Relation::Contact,
        username: ada.clone(),
        other: ben.clone(),
        number: 9,
        is_related: true,
    };
    assert!(!store.tell(&change).await.unwrap().exists);
    store.joined(id, 9, Some(&ben)).await.unwrap();
    store.joined(direct.id, 9, Some(&ben)).await.unwrap();

    assert_eq!(store.contacts(&ada).await, Ok(Vec::new()));
    assert_eq!(store.memberships(&ben).await, Ok(Vec::new()));
    let members = store.conversation(id).await.unwrap().unwrap().members;
    assert!(members.iter().all(|member| member.username == ada));
    // A block that comes late does not open what is closed for ever.
    let change = Change { relation: Relation::Block, is_related: false, ..change };
    store.tell(&change).await.unwrap();
    assert!(store.conversation(direct.id).await.unwrap().unwrap().blocked);
    let created = store.create_account(account(&ben)).await;
    assert_eq!(created, Err(ports::Error::UsernameTaken));
}

async fn group(store: &crate::RedisStore, owner: &str) -> ConversationId {
    let owner = protocol::Username::new(owner).unwrap();
    let group = NewGroup { id: ConversationId([7; 16]), title: None, owner, members: Vec::new(), at: NOW };
    store.create_group(group).await.unwrap().id
}
