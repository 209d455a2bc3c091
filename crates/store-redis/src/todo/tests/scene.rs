//! A store of its own for each test, its people, and requests that are stopped.

use std::time::Duration;

use ports::{Account, Accounts, Error, Result};
use protocol::account::User;
use protocol::{Timestamp, Username};

use crate::RedisStore;
use crate::todo::interruption;

/// When the tests take place.
pub(super) const NOW: Timestamp = Timestamp(4_000_000_000_000);

/// A store that nobody else uses.
pub(super) async fn store() -> RedisStore {
    crate::testing::store().await
}

/// Makes a user.
pub(super) async fn user(store: &RedisStore, name: &str) -> Username {
    let username = Username::new(name).unwrap();
    store.create_account(account(&username)).await.unwrap();
    username
}

/// Gives an account for a name.
pub(super) fn account(username: &Username) -> Account {
    let user = User {
        username: username.clone(),
        display_name: format!("The {username}"),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: NOW,
    };
    Account { user, password_hash: "hash".to_owned(), throttle: Vec::new() }
}

/// Makes a request that is stopped after each number of writes that it makes, always in a new scene; lets what is left be carried on, and
/// checks it. The check is told whether the request had begun to change anything.
pub(super) async fn stopped_at_each_write<S, T>(
    scene: impl AsyncFn(&RedisStore, usize) -> S,
    request: impl AsyncFn(&RedisStore, &S) -> Result<T>,
    check: impl AsyncFn(&RedisStore, &S, bool),
) {
    let store = store().await;
    for writes in 0.. {
        let scene = scene(&store, writes).await;
        let outcome = interruption::after(writes, request(&store, &scene)).await;
        let stopped = matches!(&outcome, Err(Error::Unavailable(reason)) if reason == interruption::STOPPED);
        assert!(stopped || outcome.is_ok(), "{:?}", outcome.err());
        // Once carries all out, and then nothing is left.
        store.finish_intents(Duration::ZERO).await.unwrap();
        assert_eq!(store.finish_intents(Duration::ZERO).await, Ok(0));
        check(&store, &scene, writes > 0).await;
        if !stopped {
            assert!(writes > 1, "it is no saga");
            return;
        }
    }
}
