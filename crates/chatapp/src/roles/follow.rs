//! The table, for a process that is not the registry.

use std::sync::Arc;

use anyhow::{Context, Result};
use placement::{Epoch, Table};
use registry::{Client, TableSource, follow};
use tokio::sync::watch;

use crate::base::Base;
use crate::tables;

/// Follows the registry, and waits for the first table.
pub(super) async fn tables(base: &Base) -> Result<watch::Receiver<Arc<Table>>> {
    let url = base.configuration.registry_url.parse().context("registry_url: is no address")?;
    let source = TableSource::new();
    let mut feed = source.feed();
    let client = Client::new(url, base.dial.clone());
    base.tracker.spawn(follow(client, source, base.entropy.clone(), base.stop.clone()));
    let first = feed.newer_than(Epoch::ZERO).await.context("the program ends")?;
    Ok(tables::after(first, feed, base))
}
