//! What each key is for: the help of the flags, and the documentation.

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file; flags have `-` for `_`, the environment has capitals.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
}

/// All keys, in the order of their importance.
pub const KEYS: &[Key] = &[
    key("public_address", "where clients connect"),
    key("operator_address", "where operators look: /healthz/live, /healthz/ready, /metrics"),
    key("data_directory", "where the embedded store keeps its data"),
    key("redis_urls", "the shared store, as [\"redis://host:port\", ...]; empty: the embedded one"),
    key("redis_password_file", "a file with the password for the shared store"),
    key(
        "redis_ca_file",
        "a file with the certificates (PEM) trusted for rediss://; without it the machine's",
    ),
    key(
        "redis_addresses",
        "where nodes are reached that announce another address, as [\"announced:port=reachable:port\", ...]",
    ),
    key("redis_prefix", "what all keys in the shared store begin with"),
    key("redis_acks", "how many replicas have what is acknowledged: 0, 1 or 2"),
    key(
        "sync",
        "whether what was acknowledged survives a power failure; a killed process loses nothing either way",
    ),
    key(
        "shard_address",
        "where the shards of `all` listen; port 0 takes free ones, another counts up from there",
    ),
    key("shard_host", "the host that clients are told for the shards; without it the address's"),
    key("chat_shards", "how many chat shards `all` starts"),
    key("presence_shards", "how many presence shards `all` starts"),
    key(
        "shards",
        "the shards that a registry of its own assigns users to, as [\"chat-0=ws://host:port http://host:operator-port\", ...]",
    ),
    key("registry_url", "where a role by itself finds the registry's operators' port, as http://host:port"),
    key("shard_name", "the name of a shard by itself, as chat-0; without it the host's"),
    key("issuer", "what tokens say about who issued them"),
    key("access_token_seconds", "how long an access token holds"),
    key("login_days", "how long a login lasts without use"),
    key("password_min_chars", "the shortest password, in characters"),
    key("allowed_origins", "the pages that may open sockets, as [\"https://host\", ...]; empty: any"),
    key("logins_per_minute", "logins an address may try a minute"),
    key("signups_per_hour", "accounts an address may make an hour"),
    key("requests_per_second", "requests an address may make a second"),
    key("limit_loopback", "whether the limits by address hold for loopback too"),
    key("frames_per_second", "frames a connection may send a second, in the long run"),
    key("frames_burst", "frames a connection may send at once"),
    key("heartbeat_seconds", "the silence after which a client is pinged"),
    key("queue_bytes", "how much may wait to be written to one connection"),
    key("sockets_per_user", "sockets a user may have on a shard"),
    key(
        "trusted_proxies",
        "proxies in front that write X-Forwarded-For; limits by address look through them",
    ),
    key("max_connections", "connections a listener takes"),
    key("push_channels", "the channels by which people who are away are told, as [\"log\"]"),
    key("drain_seconds", "over how long clients are sent away when the program ends"),
    key("log_format", "how the log is written: pretty or json"),
    key("log_filter", "what is logged, as in info,chat=debug"),
];

const fn key(name: &'static str, help: &'static str) -> Key {
    Key { name, help }
}
