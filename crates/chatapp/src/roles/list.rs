//! The shards of a list, for a registry that does not find them by itself.

use ports::{FoundShard, ShardState};
use protocol::{Service, Shard};

use crate::configuration::{Configuration, ConfigurationError};

/// Reads the list of shards: `chat-0=ws://host:port http://host:port`, the service by its name's beginning, the second address, that of
/// its operators' port, if the shard is to be probed.
pub(super) fn found(configuration: &Configuration) -> Result<Vec<FoundShard>, ConfigurationError> {
    let mut shards = Vec::new();
    for entry in &configuration.shards {
        let wrong = |reason: &str| ConfigurationError::Value {
            key: "shards".to_owned(),
            reason: format!("{entry:?} {reason}"),
        };
        let (name, addresses) = entry.split_once('=').ok_or_else(|| wrong("is not NAME=URL"))?;
        let shard = Shard::new(name).map_err(|error| wrong(&format!("has no name: {error}")))?;
        let service = match name.split('-').next() {
            Some("chat") => Service::Chat,
            Some("presence") => Service::Presence,
            _ => return Err(wrong("begins with neither chat- nor presence-")),
        };
        let (url, operator_url) = match addresses.split_once(' ') {
            Some((url, operators)) => (url, Some(operators.trim().to_owned())),
            None => (addresses, None),
        };
        if !url.starts_with("ws://") && !url.starts_with("wss://") {
            return Err(wrong("has no ws:// or wss:// address"));
        }
        if operator_url.as_ref().is_some_and(|url| !url.starts_with("http://")) {
            return Err(wrong("has a second address that is not http://"));
        }
        let url = url.to_owned();
        shards.push(FoundShard {
            shard,
            service,
            url,
            operator_url,
            state: ShardState::Serving,
            weight: 100,
        });
    }
    shards.sort_by(|one, other| one.shard.cmp(&other.shard));
    Ok(shards)
}
