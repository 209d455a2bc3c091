//! What tests of several parts need.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use ports::{Entropy, SystemEntropy};
use redis_lab::{Lab, Options as LabOptions};
use tokio::sync::OnceCell;

use crate::{Acks, Options, RedisStore};

/// Gives options for a store of its own in a cluster that all tests share. Nothing breaks in it, so it has no replicas.
pub(crate) async fn options() -> Options {
    static LAB: OnceCell<Lab> = OnceCell::const_new();
    let without_replicas = LabOptions { replicas_per_master: 0, ..LabOptions::default() };
    let lab = LAB.get_or_init(async || Lab::start(without_replicas).await.unwrap()).await;
    let entropy: &dyn Entropy = &SystemEntropy;
    let prefix = format!("{:016x}:", u64::from_be_bytes(entropy.bytes()));
    Options { urls: lab.urls(), prefix, acks: Acks::Leader, ..Options::default() }
}

/// Opens a store of its own in that cluster.
pub(crate) async fn store() -> RedisStore {
    RedisStore::open(options().await).await.unwrap()
}
