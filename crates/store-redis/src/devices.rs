//! Devices: where a user's pushes go.

use async_trait::async_trait;
use ports::{Device, Devices, Error, Result};
use protocol::Username;

use crate::RedisStore;
use crate::documents::check_name;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{arguments, entity};
use crate::value::unexpected;

static READ: Script = entity!("devices");
static PUT: Script = entity!("put_device");
static DELETE: Script = entity!("delete_device");

/// How many devices a user has at most.
const DEVICES: usize = 50;

#[async_trait]
impl Devices for RedisStore {
    async fn devices(&self, username: &Username) -> Result<Vec<Device>> {
        let read = Call::new(&READ, vec![self.user(username).devices()], Vec::new());
        let stored: Vec<Vec<u8>> = self.look(read).await?;
        let device =
            |json: Vec<u8>| serde_json::from_slice(&json).map_err(|_| unexpected("a device that is none"));
        let mut devices: Vec<Device> = stored.into_iter().map(device).collect::<Result<_>>()?;
        devices.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(devices)
    }

    async fn put_device(&self, username: &Username, device: Device) -> Result<()> {
        check_name(&device.id)?;
        let keys = self.user(username);
        let json = serde_json::to_vec(&device).map_err(|error| Error::Corrupt(error.to_string()))?;
        let arguments = arguments![device.id, json, DEVICES];
        self.write(Call::new(&PUT, vec![keys.account(), keys.devices()], arguments)).await
    }

    async fn delete_device(&self, username: &Username, id: &str) -> Result<()> {
        check_name(id)?;
        self.write(Call::new(&DELETE, vec![self.user(username).devices()], arguments![id])).await
    }
}
