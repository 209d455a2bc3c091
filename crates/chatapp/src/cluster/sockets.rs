//! Who is connected to the chat shards of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat::ChatShard;
use parking_lot::Mutex;
use ports::ConnectedUsers;
use protocol::{Shard, Username};

/// The chat shards of this process, asked one after the other.
#[derive(Clone, Default)]
pub(super) struct Sockets(Arc<Mutex<BTreeMap<Shard, ChatShard>>>);

impl Sockets {
    /// Adds a shard.
    pub(super) fn add(&self, shard: Shard, chat: ChatShard) {
        self.0.lock().insert(shard, chat);
    }

    /// Forgets a shard.
    pub(super) fn remove(&self, shard: &Shard) {
        self.0.lock().remove(shard);
    }
}

#[async_trait]
impl ConnectedUsers for Sockets {
    async fn connected(&self, usernames: &[Username]) -> ports::Result<BTreeMap<Username, Duration>> {
        let shards: Vec<ChatShard> = self.0.lock().values().cloned().collect();
        let mut connected: BTreeMap<Username, Duration> = BTreeMap::new();
        for (user, silence) in shards.iter().flat_map(|shard| shard.connected(usernames)) {
            let shortest = connected.entry(user).or_insert(silence);
            *shortest = silence.min(*shortest);
        }
        Ok(connected)
    }
}
