//! A shard by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use api::PublicKeys;
use protocol::Service;

use super::{Started, follow};
use crate::base::Base;
use crate::listener::bind;
use crate::parts::{self, ShardPlace};
use crate::shard::RunningShard;
use crate::sockets;

/// Starts a shard; clients who connect before there is a table wait.
pub(super) async fn start(base: &Base, ready: &Arc<AtomicBool>, service: Service) -> Result<Started> {
    let configuration = &base.configuration;
    let public = bind(configuration.public_address, "public_address").await?;
    let operators = bind(configuration.operator_address, "operator_address").await?;
    let keys = PublicKeys::open(base.backend.store.clone(), parts::realm(configuration)).await?;
    let verifiers = keys.verifiers();
    base.tracker.spawn(keys.run(base.stop.clone()));
    // Ready before there is a table: the registry puts those into the first one who are.
    ready.store(true, Ordering::Release);
    let (sender, shard) = sockets::answers();
    base.serve(operators, base.operators(ready).merge(shard));
    let place = ShardPlace {
        shard: configuration.shard()?,
        tables: follow::tables(base).await?,
        verifiers,
        tasks: base.tracker.clone().into(),
        stop: base.stop.clone(),
    };
    let shard = RunningShard::start(base, service, place).await?;
    sender.send_replace(shard.chat());
    base.serve(public, shard.router());
    Ok(Started { shard: Some(shard) })
}
