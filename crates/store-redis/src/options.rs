//! How a store is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ports::{Clock, Entropy, SystemClock, SystemEntropy, Tasks};

/// How a store is reached, and how it behaves.
#[derive(Clone)]
pub struct Options {
    /// Some of the cluster's nodes, `redis://[user:password@]host:port` or `rediss://…` for TLS: the others are learned from them.
    pub urls: Vec<String>,
    /// A file with the password, read at each connection, so that it can be changed; it goes before the one in the urls.
    pub password_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that are trusted for `rediss://`; without it those of the machine are.
    pub ca_file: Option<PathBuf>,
    /// Where to connect to instead of an address that the cluster announces, both `host:port`.
    pub addresses: BTreeMap<String, String>,
    /// What all keys begin with.
    pub prefix: String,
    /// How many replicas have a write before it is acknowledged.
    pub acks: Acks,
    /// How long a call is tried, over failovers too, before it fails with `Unavailable`.
    pub deadline: Duration,
    /// How many calls may wait; more are refused with `Unavailable`.
    pub queue_calls: usize,
    /// How many bytes of calls may wait; more are refused with `Unavailable`.
    pub queue_bytes: usize,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes the identifiers of direct conversations, and spreads retries.
    pub entropy: Arc<dyn Entropy>,
    /// Where the store's tasks run.
    pub tasks: Tasks,
}

/// How many replicas have a write before it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acks {
    /// The master alone: a failover may lose what was acknowledged.
    Leader,
    /// One replica, so that a failover loses nothing that was acknowledged unless both fail together.
    #[default]
    One,
    /// Two replicas.
    Two,
}

impl Acks {
    /// Gives the number of replicas.
    pub fn replicas(self) -> u8 {
        match self {
            Self::Leader => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl TryFrom<u8> for Acks {
    type Error = String;

    /// Takes the number of replicas, 0 to 2.
    fn try_from(replicas: u8) -> Result<Self, String> {
        match replicas {
            0 => Ok(Self::Leader),
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err(format!("0, 1 or 2 replicas can acknowledge a write, not {replicas}")),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            urls: vec!["redis://127.0.0.1:6379".to_owned()],
            password_file: None,
            ca_file: None,
            addresses: BTreeMap::new(),
            prefix: "chatapp:".to_owned(),
            acks: Acks::default(),
            // Twice what a failover takes with the recommended cluster-node-timeout of 2 s.
            deadline: Duration::from_secs(10),
            queue_calls: 65_536,
            queue_bytes: 64 * 1024 * 1024,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            tasks: Tasks::default(),
        }
    }
}
