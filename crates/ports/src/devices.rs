//! Devices: where a user's pushes go.

use async_trait::async_trait;
use protocol::{Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A device that wants pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The client's name for it, unique for the user.
    pub id: String,
    /// The channel, for example `log`.
    pub channel: String,
    /// What the channel needs to reach it.
    pub address: serde_json::Value,
    /// When it was last registered.
    pub registered_at: Timestamp,
}

/// The devices.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Gives a user's devices in order of their ids.
    async fn devices(&self, username: &Username) -> Result<Vec<Device>>;

    /// Registers a device, or replaces it. Fails with `LimitReached` at 50 devices.
    async fn put_device(&self, username: &Username, device: Device) -> Result<()>;

    /// Forgets a device; nothing happens if there is none.
    async fn delete_device(&self, username: &Username, id: &str) -> Result<()>;
}
