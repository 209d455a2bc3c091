//! Pushes: telling people who are away.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Device;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Identifies it: a repeated one is the same note.
    pub id: String,
    /// The headline.
    pub title: String,
    /// The text.
    pub body: Option<String>,
    /// What the app makes of it.
    pub data: Option<serde_json::Value>,
    /// A newer note of the same key replaces an older one that was not seen.
    pub collapse_key: Option<String>,
    /// For how many seconds it is worth telling.
    pub ttl_seconds: u64,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    Sent,
    /// The provider may take it later.
    Retry {
        /// After how long.
        after: Duration,
    },
    /// The device is gone for good.
    Gone,
    /// The provider will never take it.
    Refused,
}

/// Sends pushes by one channel.
#[async_trait]
pub trait PushSender: Send + Sync {
    /// Gives the channel's name.
    fn channel(&self) -> &'static str;

    /// Says what is wrong with an address for this channel, if anything.
    fn check(&self, address: &serde_json::Value) -> std::result::Result<(), String>;

    /// Sends one note to one device.
    async fn send(&self, device: &Device, note: &Note) -> Outcome;
}
