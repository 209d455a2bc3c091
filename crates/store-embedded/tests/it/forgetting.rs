//! What has expired is forgotten, so that the store does not grow for ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ports::{Append, Log, Login, Logins};
use protocol::{LoginId, Timestamp};
use store_embedded::EmbeddedStore;

use crate::scene::{NOW, SetClock, direct, message, name};

const HOUR: u64 = 60 * 60 * 1000;

#[tokio::test]
async fn requests_are_forgotten_after_a_day_a_few_with_each_append() {
    let store = EmbeddedStore::in_memory(Arc::new(SetClock::default()));
    let conversation = direct(&store).await;
    let append = async |id: &str, hours| {
        let append = Append { at: NOW.plus(hours * HOUR), ..message(conversation, "ada", id) };
        store.append(append).await.unwrap()
    };
    for number in 0..6 {
        append(&format!("old{number}"), 0).await;
    }
    append("young", 20).await;
    assert!(append("old0", 24).await.duplicate);
    // Each forgets two.
    append("a", 25).await;
    assert!(append("old2", 25).await.duplicate);
    append("b", 25).await;
    append("c", 25).await;
    append("d", 25).await;
    for id in ["young", "a", "d"] {
        assert!(append(id, 25).await.duplicate, "{id}");
    }
    for number in 0..6 {
        assert!(!append(&format!("old{number}"), 25).await.duplicate);
    }
}

#[tokio::test]
async fn tickets_are_forgotten_when_they_have_expired() {
    let clock = Arc::new(SetClock::default());
    let store = EmbeddedStore::in_memory(clock.clone());
    assert_eq!(store.redeem_ticket([1; 16], NOW.plus(10)).await, Ok(true));
    assert_eq!(store.redeem_ticket([2; 16], NOW.plus(10)).await, Ok(true));
    assert_eq!(store.redeem_ticket([1; 16], NOW.plus(10)).await, Ok(false));
    clock.later.store(11, Ordering::Relaxed);
    assert_eq!(store.redeem_ticket([3; 16], NOW.plus(30)).await, Ok(true));
    assert_eq!(store.redeem_ticket([1; 16], NOW.plus(30)).await, Ok(true));
}

#[tokio::test]
async fn ended_logins_are_kept_for_hours() {
    let store = EmbeddedStore::in_memory(Arc::new(SetClock::default()));
    direct(&store).await;
    let end = async |number: u8, at: Timestamp| {
        let login = Login {
            id: LoginId([number; 16]),
            username: name("ada"),
            device: None,
            created_at: NOW,
            expires_at: NOW,
            refresh: Vec::new(),
            version: 1,
        };
        store.create_login(login).await.unwrap();
        store.end_login(LoginId([number; 16]), at).await.unwrap();
    };
    end(1, NOW).await;
    end(2, NOW.plus(HOUR)).await;
    assert_eq!(store.ended_logins(Timestamp(0)).await.unwrap().len(), 2);
    end(3, NOW.plus(2 * HOUR + 1)).await;
    let ended = store.ended_logins(Timestamp(0)).await.unwrap();
    assert_eq!(ended.iter().map(|ended| ended.id.0[0]).collect::<Vec<_>>(), [2, 3]);
}
