//! Devices.

use async_trait::async_trait;
use ports::{Device, Devices, Error, Result};
use protocol::Username;

use crate::EmbeddedStore;
use crate::keys::{Table, check_name};
use crate::packing::{from_json, to_json};
use crate::writer::WriteContext;

/// How many devices a user has at most.
const DEVICES: usize = 50;

#[async_trait]
impl Devices for EmbeddedStore {
    async fn devices(&self, username: &Username) -> Result<Vec<Device>> {
        let range = Table::Device.key().name(username).range();
        self.read(|view| view.read_all(&range, |_, device| from_json(device)))
    }

    async fn put_device(&self, username: &Username, device: Device) -> Result<()> {
        check_name(&device.id)?;
        let username = username.clone();
        self.write(move |context| {
            let key = key(&username, &device.id);
            let all = Table::Device.key().name(&username).range();
            if !context.view().has(&key)? && context.view().keys(&all, DEVICES)?.len() >= DEVICES {
                return Err(Error::LimitReached("devices"));
            }
            context.put(key, to_json(&device)?);
            Ok(())
        })
        .await
    }

    async fn delete_device(&self, username: &Username, id: &str) -> Result<()> {
        check_name(id)?;
        let key = key(username, id);
        self.write(move |context| {
            context.delete(key);
            Ok(())
        })
        .await
    }
}

/// Forgets all devices of a user.
pub(crate) fn forget(context: &mut WriteContext<'_>, username: &Username) -> Result<()> {
    for key in context.view().keys(&Table::Device.key().name(username).range(), usize::MAX)? {
        context.delete(key);
    }
    Ok(())
}

fn key(username: &Username, id: &str) -> Vec<u8> {
    Table::Device.key().name(username).rest(id).bytes()
}
