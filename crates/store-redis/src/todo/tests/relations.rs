//! Contacts and blocks.

use ports::{Contacts, Conversations};

use super::scene::{NOW, stopped_at_each_write, user};
use crate::RedisStore;
use protocol::Username;

async fn two(store: &RedisStore, number: usize) -> (Username, Username) {
    (user(store, &format!("ada{number}")).await, user(store, &format!("ben{number}")).await)
}

#[tokio::test]
async fn a_contact_is_known_to_both_sides() {
    stopped_at_each_write(
        async |store, number| {
            let (ada, ben) = two(store, number).await;
            store.put_contact(&ben, &ada, NOW).await.unwrap();
            (ada, ben)
        },
        async |store, (ada, ben)| store.put_contact(ada, ben, NOW).await,
        async |store, (ada, ben), begun| {
            assert_eq!(store.contacts(ben).await.unwrap()[0].mutual, begun);
            assert_eq!(store.visible_contacts(ada).await.unwrap().is_empty(), !begun);
            assert_eq!(store.visible_contacts(ben).await.unwrap().is_empty(), !begun);
        },
    )
    .await;
}

#[tokio::test]
async fn a_contact_that_is_removed_is_hidden_from_both_sides() {
    stopped_at_each_write(
        async |store, number| {
            let (ada, ben) = two(store, number).await;
            store.put_contact(&ben, &ada, NOW).await.unwrap();
            store.put_contact(&ada, &ben, NOW).await.unwrap();
            (ada, ben)
        },
        async |store, (ada, ben)| store.delete_contact(ada, ben).await,
        async |store, (ada, ben), begun| {
            assert_eq!(store.contacts(ben).await.unwrap()[0].mutual, !begun);
            assert_eq!(store.visible_contacts(ada).await.unwrap().is_empty(), begun);
            assert_eq!(store.visible_contacts(ben).await.unwrap().is_empty(), begun);
        },
    )
    .await;
}

#[tokio::test]
async fn a_block_closes_the_conversation_of_the_two() {
    stopped_at_each_write(
        async |store, number| {
            let (ada, ben) = two(store, number).await;
            let direct = store.direct_conversation(&ada, &ben, NOW).await.unwrap().id;
            (ada, ben, direct)
        },
        async |store, (ada, ben, _)| store.put_block(ada, ben, NOW).await,
        async |store, (ada, ben, direct), begun| {
            assert_eq!(store.blocks(ada).await.unwrap().contains(ben), begun);
            assert_eq!(store.conversation(*direct).await.unwrap().unwrap().blocked, begun);
        },
    )
    .await;
}

#[tokio::test]
async fn a_lifted_block_opens_the_conversation_of_the_two() {
    stopped_at_each_write(
        async |store, number| {
            let (ada, ben) = two(store, number).await;
            let direct = store.direct_conversation(&ada, &ben, NOW).await.unwrap().id;
            store.put_block(&ada, &ben, NOW).await.unwrap();
            (ada, ben, direct)
        },
        async |store, (ada, ben, _)| store.delete_block(ada, ben).await,
        async |store, (ada, ben, direct), begun| {
            assert_eq!(store.blocks(ada).await.unwrap().contains(ben), !begun);
            assert_eq!(store.conversation(*direct).await.unwrap().unwrap().blocked, !begun);
        },
    )
    .await;
}
