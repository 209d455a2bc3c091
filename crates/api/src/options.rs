//! What an operator can set of the api role.

use std::num::NonZero;
use std::time::Duration;

use auth::{HashParams, PasswordPolicy, RefreshPolicy};

use crate::limits::LimitOptions;

const DAY: u64 = 24 * 3_600_000;

/// What an operator can set of the api role.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Which passwords are accepted.
    pub passwords: PasswordPolicy,
    /// What hashing a password costs.
    pub hashing: HashParams,
    /// How many passwords are hashed at the same time: as many as there are cores. Each needs the memory that `hashing` says.
    pub hashing_cores: usize,
    /// How many requests wait for each of these cores; further ones are told to come back.
    pub hashing_queue: usize,
    /// How long a login can be renewed.
    pub refresh: RefreshPolicy,
    /// How much one address and one user may ask for.
    pub limits: LimitOptions,
    /// How many proxies in front of this process write `X-Forwarded-For`; none: the header is not looked at.
    pub trusted_proxies: usize,
    /// What clients are told of a shard's address instead of the address by which this process reaches it;
    /// `{shard}` stands for the shard's name. For example `wss://{shard}.chat.example.com`.
    pub public_shard_url: Option<String>,
    /// How many sockets are carried to shards at the same time.
    pub carried_sockets: usize,
    /// How long a shard may take to accept a connection.
    pub connect_timeout: Duration,
    /// How long a shard may take to answer the request for a socket.
    pub upgrade_timeout: Duration,
    /// Over how long the carried sockets are let go when the process stops.
    pub drain: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            passwords: PasswordPolicy::default(),
            hashing: HashParams::default(),
            hashing_cores: std::thread::available_parallelism().map_or(1, NonZero::get),
            hashing_queue: 16,
            refresh: RefreshPolicy { idle: 30 * DAY, total: 365 * DAY },
            limits: LimitOptions::default(),
            trusted_proxies: 0,
            public_shard_url: None,
            carried_sockets: 20_000,
            connect_timeout: Duration::from_secs(3),
            upgrade_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(10),
        }
    }
}
