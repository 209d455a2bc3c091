//! The services whose users are placed on shards.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a shard serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// `/chat`.
    Chat,
    /// `/presence`.
    Presence,
}

impl Service {
    /// All services.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Presence];

    /// Gives the name, with which the names of its shards begin.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Presence => "presence",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
