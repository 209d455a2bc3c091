//! Devices.

use async_trait::async_trait;
use ports::{Device, Devices, Error, Result};
use protocol::Username;

use super::StoreHandle;

/// How many devices a user has at most.
const DEVICES: usize = 50;

#[async_trait]
impl Devices for StoreHandle {
    async fn devices(&self, username: &Username) -> Result<Vec<Device>> {
        let username = username.clone();
        self.call(move |state| {
            let person = state.data.people.get(&username);
            Ok(person.map(|person| person.devices.values().cloned().collect()).unwrap_or_default())
        })
        .await
    }

    async fn put_device(&self, username: &Username, device: Device) -> Result<()> {
        let username = username.clone();
        self.call(move |state| {
            let devices = &mut state.change().people.edit_or_make(&username).devices;
            if !devices.contains_key(&device.id) && devices.len() >= DEVICES {
                return Err(Error::LimitReached("devices"));
            }
            devices.insert(device.id.clone(), device);
            Ok(())
        })
        .await
    }

    async fn delete_device(&self, username: &Username, id: &str) -> Result<()> {
        let (username, id) = (username.clone(), id.to_owned());
        self.call(move |state| {
            if let Some(person) = state.change().people.edit(&username) {
                person.devices.remove(&id);
            }
            Ok(())
        })
        .await
    }
}
