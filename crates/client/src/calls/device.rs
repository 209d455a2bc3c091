//! Devices: where a user's pushes go.

use protocol::Timestamp;
use protocol::account::Page;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, PageOf};
use crate::{Error, Session};

/// A device that wants pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The client's name for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The channel.
    pub channel: String,
    /// What the channel needs to reach it; a field each, and they differ by channel.
    #[serde(flatten)]
    pub needs: serde_json::Map<String, Value>,
    /// When it was last registered; the server says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
}

impl Session {
    /// Gives the user's devices.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn devices(&self, page: &PageOf) -> Result<Page<Device>, Error> {
        self.ask(&Call::get(["api", "devices"]).page(page)).await
    }

    /// Registers a device under its id, or replaces it.
    ///
    /// # Errors
    /// The server refuses with `unsupported_channel` or `limit_reached`.
    pub async fn put_device(&self, device: &Device) -> Result<(), Error> {
        self.run(&Call::put(["api", "devices", &device.id]).json(device)).await
    }

    /// Forgets a device.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete_device(&self, id: &str) -> Result<(), Error> {
        self.run(&Call::delete(["api", "devices", id])).await
    }
}
