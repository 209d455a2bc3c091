//! Logins and tickets.

use protocol::{LoginId, Timestamp, Username};

use super::Backend;
use super::fixture::{NOW, error, free_name, random, user};
use crate::{EndedLogin, Error, Login};

/// Gives a login to be made.
pub(super) fn new_login(username: &Username) -> Login {
    Login {
        id: LoginId(random()),
        username: username.clone(),
        device: Some("phone".to_owned()),
        created_at: NOW,
        expires_at: NOW.plus(1_000),
        refresh: vec![1],
        version: 1,
    }
}

/// Of two updates of one version one fails.
pub async fn a_login_is_updated_only_at_its_version(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let login = new_login(&ada);
    store.create_login(login.clone()).await.unwrap();
    assert_eq!(store.login(login.id).await, Ok(Some(login.clone())));
    let update = Login { refresh: vec![2], expires_at: NOW.plus(2_000), ..login.clone() };
    store.update_login(update.clone()).await.unwrap();
    assert_eq!(error(store.update_login(update.clone()).await), Error::Conflict);
    let updated = Login { version: 2, ..update };
    assert_eq!(store.login(login.id).await, Ok(Some(updated.clone())));
    let (one, other) = tokio::join!(store.update_login(updated.clone()), store.update_login(updated));
    assert_eq!([&one, &other].iter().filter(|done| done.is_ok()).count(), 1);
    assert_eq!(error(store.create_login(new_login(&free_name("ben"))).await), Error::UserNotFound);
}

/// An ended login is not given any more, and told to those who ask what ended.
pub async fn an_ended_login_is_gone_and_listed(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let login = new_login(&ada);
    store.create_login(login.clone()).await.unwrap();
    store.end_login(login.id, NOW.plus(5)).await.unwrap();
    assert_eq!(store.login(login.id).await, Ok(None));
    assert_eq!(error(store.update_login(login.clone()).await), Error::Conflict);
    let told = |ended: &[EndedLogin]| ended.iter().filter(|ended| ended.id == login.id).cloned().collect();
    let ended: Vec<EndedLogin> = told(&store.ended_logins(NOW.plus(5)).await.unwrap());
    assert_eq!(ended, [EndedLogin { id: login.id, username: ada, at: NOW.plus(5) }]);
    let ended: Vec<EndedLogin> = told(&store.ended_logins(NOW.plus(6)).await.unwrap());
    assert_eq!(ended, []);

    // Again: nothing happens.
    store.end_login(login.id, NOW.plus(7)).await.unwrap();
    let ended: Vec<EndedLogin> = told(&store.ended_logins(Timestamp(0)).await.unwrap());
    assert_eq!(ended.len(), 1);
}

/// All logins of a user end but the one that is named, and nobody else's.
pub async fn all_logins_but_one_end(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let logins = [new_login(&ada), new_login(&ada), new_login(&ada), new_login(&ben)];
    for login in &logins {
        store.create_login(login.clone()).await.unwrap();
    }
    let mut ended = store.end_logins(&ada, Some(logins[1].id), NOW).await.unwrap();
    ended.sort();
    let mut expected = [logins[0].id, logins[2].id];
    expected.sort();
    assert_eq!(ended, expected);
    assert!(store.login(logins[1].id).await.unwrap().is_some());
    assert!(store.login(logins[3].id).await.unwrap().is_some());
    assert_eq!(store.end_logins(&ada, None, NOW).await, Ok(vec![logins[1].id]));
    assert_eq!(store.end_logins(&ada, None, NOW).await, Ok(Vec::new()));
}

/// The hundred and first login of a user ends the oldest.
pub async fn the_oldest_of_a_hundred_logins_ends(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let logins: Vec<Login> =
        (0..101).map(|age| Login { created_at: NOW.plus(1_000 - age), ..new_login(&ada) }).collect();
    for login in &logins[..100] {
        store.create_login(login.clone()).await.unwrap();
    }
    for login in &logins[..100] {
        assert!(store.login(login.id).await.unwrap().is_some());
    }
    let newest = Login { created_at: NOW.plus(2_000), ..logins[100].clone() };
    store.create_login(newest.clone()).await.unwrap();
    assert_eq!(store.login(logins[99].id).await, Ok(None));
    assert!(store.login(logins[98].id).await.unwrap().is_some());
    assert!(store.login(newest.id).await.unwrap().is_some());
    let ended = store.ended_logins(NOW).await.unwrap();
    assert!(ended.iter().any(|ended| ended.id == logins[99].id));
}

/// A ticket is used for the first time once, whoever is faster.
pub async fn a_ticket_is_redeemed_once(store: &impl Backend) {
    let (ticket, other) = (random(), random());
    let (first, second) = tokio::join!(store.redeem_ticket(ticket, NOW), store.redeem_ticket(ticket, NOW));
    assert_ne!(first.unwrap(), second.unwrap());
    assert_eq!(store.redeem_ticket(ticket, NOW).await, Ok(false));
    assert_eq!(store.redeem_ticket(other, NOW).await, Ok(true));
}
