//! The registry by itself: it assigns users to the shards of a list.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use placement::Epoch;
use registry::{RegistryOptions, StaticDiscovery};

use super::{Started, list};
use crate::base::Base;
use crate::listener::bind;
use crate::parts;

/// Starts the registry; it is ready once there is a table.
pub(super) async fn start(base: &Base, ready: &Arc<AtomicBool>) -> Result<Started> {
    let operators = bind(base.configuration.operator_address, "operator_address").await?;
    let discovery = StaticDiscovery::new(list::found(&base.configuration)?);
    let registry = parts::registry(base, &discovery, RegistryOptions::default());
    base.serve(operators, base.operators(ready).merge(registry.router(base.stop.clone())));
    let mut feed = registry.feed();
    base.tracker.spawn(registry.run(base.stop.clone()));
    ready.store(feed.newer_than(Epoch::ZERO).await.is_some(), Ordering::Release);
    Ok(Started::default())
}
