//! The configuration: the same names as flags, in the environment and in a file, checked before anything starts.
//!
//! A flag (`--public-address`) wins over the environment (`CHATAPP_PUBLIC_ADDRESS`), that over the file (`public_address`, TOML), that over the default.

mod keys;
mod load;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use protocol::Shard;
use serde::{Deserialize, Serialize};

pub use keys::{KEYS, Key};
pub use load::{ConfigurationError, Flags, load};

/// What an operator may set. [`KEYS`] says what each key is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// Where clients connect.
    pub public_address: SocketAddr,
    /// Where operators look: health and metrics.
    pub operator_address: SocketAddr,
    /// Where the embedded store keeps its data.
    pub data_directory: PathBuf,
    /// The shared store; empty: the embedded one.
    pub redis_urls: Vec<String>,
    /// A file with the password for the shared store.
    pub redis_password_file: Option<PathBuf>,
    /// A file with the certificates that are trusted for `rediss://`; without it the machine's.
    pub redis_ca_file: Option<PathBuf>,
    /// Where nodes of the shared store are reached that announce another address.
    pub redis_addresses: Vec<String>,
    /// What all keys in the shared store begin with.
    pub redis_prefix: String,
    /// How many replicas have what is acknowledged, 0 to 2.
    pub redis_acks: u8,
    /// Whether what was acknowledged survives a power failure.
    pub sync: bool,
    /// Where the shards of `all` listen; port 0 takes free ones, another counts up.
    pub shard_address: SocketAddr,
    /// The host that clients are told for the shards; without it the address's.
    pub shard_host: Option<String>,
    /// How many chat shards `all` starts.
    pub chat_shards: u16,
    /// How many presence shards `all` starts.
    pub presence_shards: u16,
    /// The shards that a registry of its own assigns users to.
    pub shards: Vec<String>,
    /// Where a role by itself finds the registry's operators' port.
    pub registry_url: String,
    /// The name of a shard by itself; without it the host's.
    pub shard_name: Option<String>,
    /// What tokens say about who issued them.
    pub issuer: String,
    /// How long an access token holds, in seconds.
    pub access_token_seconds: u64,
    /// How long a login lasts without use, in days.
    pub login_days: u64,
    /// The shortest password, in characters.
    pub password_min_chars: usize,
    /// The pages that may open sockets; empty: any.
    pub allowed_origins: Vec<String>,
    /// Failed and successful logins an address may try a minute.
    pub logins_per_minute: u32,
    /// Accounts an address may make an hour.
    pub signups_per_hour: u32,
    /// Requests an address may make a second.
    pub requests_per_second: u32,
    /// Whether the limits by address hold for loopback too.
    pub limit_loopback: bool,
    /// Frames a connection may send a second, in the long run.
    pub frames_per_second: u32,
    /// Frames a connection may send at once.
    pub frames_burst: u32,
    /// The silence after which a client is pinged, in seconds.
    pub heartbeat_seconds: u64,
    /// How much may wait to be written to one connection, in bytes.
    pub queue_bytes: usize,
    /// Sockets a user may have on a shard.
    pub sockets_per_user: usize,
    /// Proxies in front that write `X-Forwarded-For`.
    pub trusted_proxies: usize,
    /// Connections a listener takes.
    pub max_connections: usize,
    /// The channels by which people who are away are told.
    pub push_channels: Vec<String>,
    /// Over how long clients are sent away when the program ends, in seconds.
    pub drain_seconds: u64,
    /// How the log is written: `pretty` or `json`.
    pub log_format: String,
    /// What is logged, as in `info,chat=debug`.
    pub log_filter: String,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            public_address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            operator_address: SocketAddr::from(([127, 0, 0, 1], 8081)),
            data_directory: PathBuf::from("data"),
            redis_urls: Vec::new(),
            redis_password_file: None,
            redis_ca_file: None,
            redis_addresses: Vec::new(),
            redis_prefix: "chatapp:".to_owned(),
            redis_acks: 1,
            sync: true,
            shard_address: SocketAddr::from(([127, 0, 0, 1], 0)),
            shard_host: None,
            chat_shards: 3,
            presence_shards: 2,
            shards: Vec::new(),
            registry_url: String::new(),
            shard_name: None,
            issuer: "chatapp".to_owned(),
            access_token_seconds: 900,
            login_days: 30,
            password_min_chars: 15,
            allowed_origins: Vec::new(),
            logins_per_minute: 10,
            signups_per_hour: 20,
            requests_per_second: 50,
            limit_loopback: false,
            frames_per_second: 50,
            frames_burst: 500,
            heartbeat_seconds: 25,
            queue_bytes: 1 << 20,
            sockets_per_user: 32,
            trusted_proxies: 0,
            max_connections: 100_000,
            push_channels: vec!["log".to_owned()],
            drain_seconds: 5,
            log_format: "pretty".to_owned(),
            log_filter: "info".to_owned(),
        }
    }
}

impl Configuration {
    /// Gives what is in force as TOML, with secrets hidden.
    ///
    /// # Errors
    /// It cannot be written as TOML.
    pub fn shown(&self) -> Result<String, toml::ser::Error> {
        let mut shown = self.clone();
        for url in &mut shown.redis_urls {
            *url = without_secret(url);
        }
        toml::to_string(&shown)
    }

    /// Says what is wrong with it, naming the key.
    fn check(&self) -> Result<(), ConfigurationError> {
        let wrong = |key: &'static str, reason: &str| {
            Err(ConfigurationError::Value { key: key.to_owned(), reason: reason.to_owned() })
        };
        if self.chat_shards == 0 || self.chat_shards > 64 {
            return wrong("chat_shards", "must be 1 to 64");
        }
        if self.presence_shards == 0 || self.presence_shards > 64 {
            return wrong("presence_shards", "must be 1 to 64");
        }
        if self.redis_acks > 2 {
            return wrong("redis_acks", "must be 0, 1 or 2");
        }
        if self.redis_addresses.iter().any(|entry| !entry.contains('=')) {
            return wrong("redis_addresses", "has an entry that is not ANNOUNCED=REACHABLE");
        }
        if self.password_min_chars < 8 || self.password_min_chars > 128 {
            return wrong("password_min_chars", "must be 8 to 128");
        }
        if !(60..=3600).contains(&self.access_token_seconds) {
            return wrong("access_token_seconds", "must be 60 to 3600");
        }
        if !(1..=365).contains(&self.login_days) {
            return wrong("login_days", "must be 1 to 365");
        }
        if !(1..=25).contains(&self.heartbeat_seconds) {
            return wrong("heartbeat_seconds", "must be 1 to 25: a silent death is told within 45 s");
        }
        if self.queue_bytes < protocol::MAX_FRAME_BYTES * 4 {
            return wrong("queue_bytes", "must be at least 262144: four of the largest frames");
        }
        if self.sockets_per_user == 0 {
            return wrong("sockets_per_user", "must be at least 1");
        }
        if self.max_connections == 0 {
            return wrong("max_connections", "must be at least 1");
        }
        let rates = [
            ("logins_per_minute", self.logins_per_minute),
            ("signups_per_hour", self.signups_per_hour),
            ("requests_per_second", self.requests_per_second),
            ("frames_per_second", self.frames_per_second),
            ("frames_burst", self.frames_burst),
        ];
        if let Some((key, _)) = rates.into_iter().find(|(_, rate)| *rate == 0) {
            return wrong(key, "must be at least 1");
        }
        if self.issuer.is_empty() {
            return wrong("issuer", "must not be empty");
        }
        if self.drain_seconds > 300 {
            return wrong("drain_seconds", "must be at most 300");
        }
        if !matches!(self.log_format.as_str(), "pretty" | "json") {
            return wrong("log_format", "must be pretty or json");
        }
        if let Err(error) = self.channels() {
            return wrong("push_channels", &error.to_string());
        }
        Ok(())
    }

    /// Gives where nodes of the shared store are reached, by the addresses that they announce.
    pub fn redis_addresses(&self) -> BTreeMap<String, String> {
        let pairs = self.redis_addresses.iter().filter_map(|entry| entry.split_once('='));
        pairs.map(|(announced, reachable)| (announced.to_owned(), reachable.to_owned())).collect()
    }

    /// Gives the name of a shard by itself: what is configured, or the host's name, which is the pod's on Kubernetes.
    ///
    /// # Errors
    /// It is no name.
    #[expect(clippy::disallowed_methods, reason = "a part of the configuration")]
    pub fn shard(&self) -> Result<Shard, ConfigurationError> {
        let host = || std::env::var("HOSTNAME").unwrap_or_default();
        let name = self.shard_name.clone().unwrap_or_else(host);
        Shard::new(&name).map_err(|error| ConfigurationError::Value {
            key: "shard_name".to_owned(),
            reason: format!("{name:?} is no name: {error}"),
        })
    }

    /// Gives the push channels.
    ///
    /// # Errors
    /// One of them does not exist.
    pub fn channels(&self) -> Result<Vec<push::Channel>, push::UnknownChannel> {
        self.push_channels.iter().map(|name| name.parse()).collect()
    }
}

/// Hides the password of a URL.
fn without_secret(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".to_owned() };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}
