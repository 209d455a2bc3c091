//! Accounts.

use protocol::conversation::Role;
use protocol::presence::Status;

use super::Backend;
use super::fixture::{NOW, account_of, error, free_name, group, pair, send, unique, user};
use super::logins::new_login;
use crate::{Device, Error, PresenceRecord, ProfileChange};

/// A name is given once, and never again after its account was deleted.
pub async fn a_taken_name_stays_taken(store: &impl Backend) {
    let ada = user(store, "ada").await;
    assert_eq!(store.account(&ada).await, Ok(Some(account_of(&ada))));
    assert_eq!(store.create_account(account_of(&ada)).await, Err(Error::UsernameTaken));
    store.delete_account(&ada, NOW).await.unwrap();
    assert_eq!(store.account(&ada).await, Ok(None));
    assert_eq!(store.create_account(account_of(&ada)).await, Err(Error::UsernameTaken));
    assert_eq!(store.delete_account(&ada, NOW).await, Ok(Vec::new()));

    let ben = free_name("ben");
    let (one, other) =
        tokio::join!(store.create_account(account_of(&ben)), store.create_account(account_of(&ben)));
    assert_eq!([&one, &other].iter().filter(|made| made.is_ok()).count(), 1);
}

/// A change leaves the fields that it does not name.
pub async fn a_profile_is_changed_field_by_field(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let bio = Some(Some("mathematician".to_owned()));
    let change = ProfileChange { bio, display_name: Some("Ada".to_owned()), ..ProfileChange::default() };
    store.change_profile(&ada, change).await.unwrap();
    let status = Some(Some("away".to_owned()));
    let change = ProfileChange { bio: Some(None), status_text: status, ..ProfileChange::default() };
    let changed = store.change_profile(&ada, change).await.unwrap();
    assert_eq!((changed.display_name.as_str(), &changed.bio), ("Ada", &None));
    assert_eq!(changed.status_text.as_deref(), Some("away"));
    assert_eq!(store.account(&ada).await.unwrap().unwrap().user, changed);

    let unknown = free_name("ben");
    let change = ProfileChange::default();
    assert_eq!(store.change_profile(&unknown, change).await, Err(Error::UserNotFound));
}

/// Passwords and throttles are replaced and touch nothing else.
pub async fn passwords_and_throttles_are_replaced(store: &impl Backend) {
    let ada = user(store, "ada").await;
    store.set_password(&ada, "other".to_owned()).await.unwrap();
    store.set_throttle(&ada, vec![1, 2, 3]).await.unwrap();
    let account = store.account(&ada).await.unwrap().unwrap();
    assert_eq!((account.password_hash.as_str(), &account.throttle), ("other", &vec![1, 2, 3]));
    assert_eq!(account.user, account_of(&ada).user);

    let unknown = free_name("ben");
    assert_eq!(store.set_password(&unknown, String::new()).await, Err(Error::UserNotFound));
    assert_eq!(store.set_throttle(&unknown, vec![1]).await, Ok(()));
    assert_eq!(store.account(&unknown).await, Ok(None));
}

/// The search goes by the name's begin or any part of the displayed name, in order of names and in pages.
pub async fn the_search_finds_names_and_displayed_names_in_pages(store: &impl Backend) {
    let key = unique();
    let mut names = Vec::new();
    for letter in ["a", "b", "c", "d"] {
        let name = protocol::Username::new(&format!("{key}-{letter}")).unwrap();
        store.create_account(account_of(&name)).await.unwrap();
        names.push(name);
    }
    let eve = user(store, "eve").await;
    let change = ProfileChange { display_name: Some(format!("Eve {key}")), ..ProfileChange::default() };
    store.change_profile(&eve, change).await.unwrap();
    store.delete_account(&names[2], NOW).await.unwrap();

    let prefix = key.to_uppercase();
    let page = store.search_accounts(&prefix, None, 2).await.unwrap();
    let found: Vec<_> = page.users.iter().map(|user| user.username.clone()).collect();
    let mut expected = [names[0].clone(), names[1].clone(), names[3].clone(), eve];
    expected.sort();
    assert_eq!((found.as_slice(), page.more), (&expected[..2], true));
    let page = store.search_accounts(&prefix, found.last(), 2).await.unwrap();
    let found: Vec<_> = page.users.iter().map(|user| user.username.clone()).collect();
    assert_eq!((found.as_slice(), page.more), (&expected[2..], false));
    let page = store.search_accounts(&prefix, found.last(), 2).await.unwrap();
    assert_eq!((page.users.len(), page.more), (0, false));
}

/// Logins, contacts, blocks, devices and presence go with the account, and its direct conversations are closed.
pub async fn a_deleted_account_leaves_nothing_but_its_name(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let login = new_login(&ada);
    store.create_login(login.clone()).await.unwrap();
    for (one, other) in [(&ada, &ben), (&ben, &ada)] {
        store.put_contact(one, other, NOW).await.unwrap();
    }
    let carl = user(store, "carl").await;
    store.put_block(&ada, &carl, NOW).await.unwrap();
    let device = Device {
        id: "phone".to_owned(),
        channel: "log".to_owned(),
        address: serde_json::json!({}),
        registered_at: NOW,
    };
    store.put_device(&ada, device).await.unwrap();
    let presence = PresenceRecord {
        username: ada.clone(),
        status: Status::Online,
        last_seen: None,
        status_text: None,
        connected: true,
        epoch: 1,
    };
    store.put_presences(vec![presence]).await.unwrap();
    let sent = send(store, &conversation, &ada, "to stay").await;

    assert_eq!(store.delete_account(&ada, NOW.plus(1)).await, Ok(Vec::new()));

    assert_eq!(store.login(login.id).await, Ok(None));
    let ended = store.ended_logins(NOW).await.unwrap();
    assert!(ended.iter().any(|ended| ended.id == login.id));
    assert_eq!(store.contacts(&ada).await, Ok(Vec::new()));
    assert_eq!(store.contacts(&ben).await, Ok(Vec::new()));
    assert_eq!(store.visible_contacts(&ben).await, Ok(Vec::new()));
    assert_eq!(store.blocks(&ada).await, Ok(Vec::new()));
    assert_eq!(store.devices(&ada).await, Ok(Vec::new()));
    assert_eq!(store.presences(std::slice::from_ref(&ada)).await, Ok(Vec::new()));
    assert_eq!(error(store.create_login(new_login(&ada)).await), Error::UserNotFound);

    let closed = store.conversation(conversation.id).await.unwrap().unwrap();
    assert!(closed.blocked && closed.version > conversation.version);
    let message = super::fixture::message(conversation.id, &ben, "m1", "hello?");
    assert_eq!(error(store.append(message).await), Error::NotAllowed);
    assert_eq!(error(store.direct_conversation(&ben, &ada, NOW).await), Error::UserNotFound);
    let events = store.events(conversation.id, 0, 10).await.unwrap();
    assert_eq!(super::fixture::seqs(&events), [sent.position.seq]);
}

/// A deleted account is in no group any more, and the groups that it owned have other owners.
pub async fn a_deleted_account_leaves_its_groups(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let owned = group(store, &ada, &[&ben]).await;
    let joined = group(store, &ben, &[&ada]).await;
    let other = group(store, &ben, &[]).await;
    let mut left = store.delete_account(&ada, NOW).await.unwrap();
    left.sort();
    let mut expected = [owned.id, joined.id];
    expected.sort();
    assert_eq!(left, expected);
    for id in [owned.id, joined.id, other.id] {
        let conversation = store.conversation(id).await.unwrap().unwrap();
        let members: Vec<_> =
            conversation.members.iter().map(|member| (member.username.clone(), member.role)).collect();
        assert_eq!(members, [(ben.clone(), Role::Owner)]);
    }
    assert_eq!(store.membership(owned.id, &ada).await, Ok(None));
}
