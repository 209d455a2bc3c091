//! Devices.

use super::Backend;
use super::fixture::{NOW, error, user};
use crate::{Device, Error};

fn device(id: &str) -> Device {
    Device {
        id: id.to_owned(),
        channel: "log".to_owned(),
        address: serde_json::json!({ "token": id }),
        registered_at: NOW,
    }
}

/// Devices are listed in order of their ids, each once.
pub async fn a_device_is_put_replaced_and_deleted(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    for id in ["phone", "laptop"] {
        store.put_device(&ada, device(id)).await.unwrap();
    }
    assert_eq!(store.devices(&ada).await, Ok(vec![device("laptop"), device("phone")]));
    let newer = Device { registered_at: NOW.plus(1), ..device("phone") };
    store.put_device(&ada, newer.clone()).await.unwrap();
    assert_eq!(store.devices(&ada).await, Ok(vec![device("laptop"), newer.clone()]));
    store.delete_device(&ada, "laptop").await.unwrap();
    store.delete_device(&ada, "laptop").await.unwrap();
    store.delete_device(&ben, "phone").await.unwrap();
    assert_eq!(store.devices(&ada).await, Ok(vec![newer]));
    assert_eq!(store.devices(&ben).await, Ok(Vec::new()));
}

/// A user has 50 devices at most, and replaces them all the same.
pub async fn a_user_has_fifty_devices(store: &impl Backend) {
    let ada = user(store, "ada").await;
    for number in 0..50 {
        store.put_device(&ada, device(&format!("{number:02}"))).await.unwrap();
    }
    assert!(matches!(error(store.put_device(&ada, device("one more")).await), Error::LimitReached(_)));
    store.put_device(&ada, device("07")).await.unwrap();
    store.delete_device(&ada, "07").await.unwrap();
    store.put_device(&ada, device("one more")).await.unwrap();
    assert_eq!(store.devices(&ada).await.unwrap().len(), 50);
}
