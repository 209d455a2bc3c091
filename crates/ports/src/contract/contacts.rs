//! Contacts and blocks.

use futures_util::future::try_join_all;
use protocol::Username;

use super::Backend;
use super::fixture::{NOW, account_of, error, free_name, unique, user};
use crate::Error;

/// How many contacts, and how many blocks, a user may have.
const LIMIT: usize = 5_000;

/// A contact is mutual, and visible, once both have added each other.
pub async fn a_contact_is_mutual_once_both_have_added(store: &impl Backend) {
    let (ada, ben, carl) = (user(store, "ada").await, user(store, "ben").await, user(store, "carl").await);
    store.put_contact(&ada, &carl, NOW).await.unwrap();
    store.put_contact(&ada, &ben, NOW.plus(1)).await.unwrap();
    let listed = async |username| {
        let contacts = store.contacts(username).await.unwrap();
        contacts.into_iter().map(|contact| (contact.username, contact.mutual)).collect::<Vec<_>>()
    };
    assert_eq!(listed(&ada).await, [(ben.clone(), false), (carl.clone(), false)]);
    assert_eq!(listed(&ben).await, []);
    assert_eq!(store.visible_contacts(&ada).await, Ok(Vec::new()));

    store.put_contact(&ben, &ada, NOW.plus(2)).await.unwrap();
    assert_eq!(listed(&ada).await, [(ben.clone(), true), (carl.clone(), false)]);
    assert_eq!(store.visible_contacts(&ada).await, Ok(vec![ben.clone()]));
    assert_eq!(store.visible_contacts(&ben).await, Ok(vec![ada.clone()]));
    // Again: it stays as it was.
    store.put_contact(&ada, &ben, NOW.plus(3)).await.unwrap();
    assert_eq!(store.contacts(&ada).await.unwrap()[0].added_at, NOW.plus(1));

    store.delete_contact(&ada, &ben).await.unwrap();
    store.delete_contact(&ada, &ben).await.unwrap();
    assert_eq!(listed(&ada).await, [(carl, false)]);
    assert_eq!(listed(&ben).await, [(ada, false)]);
    assert_eq!(store.visible_contacts(&ben).await, Ok(Vec::new()));
}

/// A block hides each of the two from the other, and the contact is there again after it.
pub async fn a_block_hides_both(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    for (one, other) in [(&ada, &ben), (&ben, &ada)] {
        store.put_contact(one, other, NOW).await.unwrap();
    }
    store.put_block(&ada, &ben, NOW).await.unwrap();
    assert_eq!(store.blocks(&ada).await, Ok(vec![ben.clone()]));
    assert_eq!(store.blocks(&ben).await, Ok(Vec::new()));
    for username in [&ada, &ben] {
        assert_eq!(store.visible_contacts(username).await, Ok(Vec::new()));
        assert_eq!(store.contacts(username).await.unwrap().len(), 1);
    }
    store.delete_block(&ada, &ben).await.unwrap();
    assert_eq!(store.blocks(&ada).await, Ok(Vec::new()));
    assert_eq!(store.visible_contacts(&ben).await, Ok(vec![ada]));
}

/// Nobody adds or blocks one who does not exist.
pub async fn contacts_and_blocks_need_users(store: &impl Backend) {
    let (ada, nobody) = (user(store, "ada").await, free_name("nobody"));
    assert_eq!(error(store.put_contact(&ada, &nobody, NOW).await), Error::UserNotFound);
    assert_eq!(error(store.put_block(&ada, &nobody, NOW).await), Error::UserNotFound);
    assert_eq!(store.delete_contact(&ada, &nobody).await, Ok(()));
    assert_eq!(store.delete_block(&ada, &nobody).await, Ok(None));
}

/// A user has 5,000 contacts and 5,000 blocks at most.
pub async fn contacts_and_blocks_are_limited(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let key = unique();
    let names = (0..=LIMIT).map(|number| Username::new(&format!("u{key}-{number:05}")));
    let others: Vec<Username> = names.collect::<Result<_, _>>().unwrap();
    try_join_all(others.iter().map(|other| store.create_account(account_of(other)))).await.unwrap();
    let (last, most) = others.split_last().unwrap();

    try_join_all(most.iter().map(|other| store.put_contact(&ada, other, NOW))).await.unwrap();
    assert!(matches!(error(store.put_contact(&ada, last, NOW).await), Error::LimitReached(_)));
    store.put_contact(&ada, &others[7], NOW).await.unwrap();
    store.delete_contact(&ada, &others[7]).await.unwrap();
    store.put_contact(&ada, last, NOW).await.unwrap();
    assert_eq!(store.contacts(&ada).await.unwrap().len(), LIMIT);

    try_join_all(most.iter().map(|other| store.put_block(&ada, other, NOW))).await.unwrap();
    assert!(matches!(error(store.put_block(&ada, last, NOW).await), Error::LimitReached(_)));
    assert_eq!(store.blocks(&ada).await.unwrap(), most);
}
