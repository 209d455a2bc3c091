//! What lasts of presence: so that a shard's successor knows who was there.

use async_trait::async_trait;
use protocol::presence::Status;
use protocol::{Timestamp, Username};
use serde::{Deserialize, Serialize};

use crate::Result;

/// How a user is, as the owner of the user's bucket last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRecord {
    /// The user.
    pub username: Username,
    /// The status as others see it.
    pub status: Status,
    /// When the user was last there.
    pub last_seen: Option<Timestamp>,
    /// What the user is up to.
    pub status_text: Option<String>,
    /// Whether a device is connected, seen or not.
    pub connected: bool,
    /// The table's epoch under which it was written: an older owner cannot overwrite a newer one's record.
    pub epoch: u64,
}

/// The presences.
#[async_trait]
pub trait Presences: Send + Sync {
    /// Keeps records, except where one of a newer epoch is stored. Gives how many were kept.
    async fn put_presences(&self, records: Vec<PresenceRecord>) -> Result<usize>;

    /// Gives the records of these users, where there are any.
    async fn presences(&self, usernames: &[Username]) -> Result<Vec<PresenceRecord>>;

    /// Gives the records of all who are connected, as far as the store knows, in order of their names, after `after`.
    async fn connected_presences(
        &self,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<PresenceRecord>>;
}
