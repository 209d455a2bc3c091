//! Discovery: which shards there are.

use protocol::{Service, Shard};
use tokio::sync::watch;

/// How a shard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShardState {
    /// It takes users.
    Serving,
    /// It serves the users that it has, and goes.
    Draining,
}

/// A shard that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundShard {
    /// Its name, which outlives restarts.
    pub shard: Shard,
    /// The kind.
    pub service: Service,
    /// How clients reach it: `ws://host:port`, without a path.
    pub url: String,
    /// Its operators' port, if it can be asked there: `http://host:port`.
    pub operator_url: Option<String>,
    /// How it is.
    pub state: ShardState,
    /// How much it takes, 100 for an ordinary one.
    pub weight: u32,
}

/// All shards that there are, in order of their names.
pub type Shards = Vec<FoundShard>;

/// Finds shards.
pub trait Discovery: Send + Sync {
    /// Gives the shards as they are now, and every change.
    fn watch(&self) -> watch::Receiver<Shards>;
}
