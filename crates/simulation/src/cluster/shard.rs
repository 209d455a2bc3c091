//! The shards.

use std::sync::Arc;
use std::time::Duration;

use ::api::PublicKeys;
use ::chat::{ChatParts, ChatShard};
use ::identity::Authenticator;
use ::presence::{PresenceMetrics, PresenceOptions, PresenceParts, PresenceShard};
use placement::Table;
use protocol::Shard;
use tokio::sync::watch;

use super::node::Node;
use super::tables;
use crate::defect::Defect;
use crate::network::serve;
use crate::set_up;
use crate::world::World;

/// After how long a shard that could not start tries again.
const AGAIN: Duration = Duration::from_millis(500);
/// Longer than a world.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs a chat shard.
pub(super) fn run_chat(world: &World, node: &Arc<Node>) {
    answer_probes(world, node);
    let (world, node, tasks) = (world.clone(), node.clone(), node.process.tasks.clone());
    tasks.spawn(async move {
        let Some((tables, authenticator, shard)) = begin(&world, &node).await else { return };
        let store = world.store.handle(node.name());
        let chat = loop {
            let parts = ChatParts {
                shard: shard.clone(),
                store: store.clone(),
                log: store.clone(),
                inbox: store.clone(),
                clock: node.process.clock(),
                entropy: node.process.entropy(),
                tables: tables.clone(),
                authenticator: authenticator.clone(),
                metrics: telemetry::Metrics::new(),
                options: chat_options(&world),
                tasks: node.process.tasks.clone(),
                stop: node.process.stop.clone(),
            };
            match ChatShard::start(parts).await {
                Ok(chat) => break chat,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        let listener = world.network.listen(&format!("{}:80", node.name())).until(node.process.stop.clone());
        node.process.tasks.spawn(serve(listener, chat.router(), node.process.tasks.clone()));
        node.runs_chat(chat);
    });
}

/// Runs a presence shard.
pub(super) fn run_presence(world: &World, node: &Arc<Node>) {
    answer_probes(world, node);
    let (world, node, tasks) = (world.clone(), node.clone(), node.process.tasks.clone());
    tasks.spawn(async move {
        let Some((tables, authenticator, shard)) = begin(&world, &node).await else { return };
        let store = world.store.handle(node.name());
        let presence = loop {
            let Ok(metrics) = PresenceMetrics::register(&telemetry::Metrics::new()) else { return };
            let parts = PresenceParts {
                shard: shard.clone(),
                store: store.clone(),
                inbox: store.clone(),
                clock: node.process.clock(),
                entropy: node.process.entropy(),
                tables: tables.clone(),
                authenticator: Arc::new(authenticator.clone()),
                metrics,
                options: presence_options(&world),
                tasks: node.process.tasks.clone(),
                stop: node.process.stop.clone(),
            };
            match PresenceShard::start(parts).await {
                Ok(presence) => break presence,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        let listener = world.network.listen(&format!("{}:80", node.name())).until(node.process.stop.clone());
        node.process.tasks.spawn(serve(listener, presence.router(), node.process.tasks.clone()));
        node.runs_presence(presence);
    });
}

/// Waits for what every shard needs before it starts.
async fn begin(
    world: &World,
    node: &Arc<Node>,
) -> Option<(watch::Receiver<Arc<Table>>, Authenticator, Shard)> {
    let store = world.store.handle(node.name());
    let keys = loop {
        match PublicKeys::open(store.clone(), set_up::realm()).await {
            Ok(keys) => break keys,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    };
    let authenticator = Authenticator::new(keys.verifiers(), store, node.process.clock(), Vec::new());
    node.process.tasks.spawn(keys.run(node.process.stop.clone()));
    let tables = tables::first(world, node).await?;
    Some((tables, authenticator, Shard::new(node.name()).ok()?))
}

fn chat_options(world: &World) -> chat::Options {
    let sweeps = !world.has(Defect::GroupFragmentMissed) && !world.has(Defect::HintLostWithoutSweep);
    let default = chat::Options::default();
    chat::Options { sweep_every: if sweeps { default.sweep_every } else { NEVER }, ..default }
}

fn presence_options(world: &World) -> PresenceOptions {
    let mut options = PresenceOptions::default();
    if world.has(Defect::SilenceIgnored) {
        options.answer_time = NEVER;
    }
    if world.has(Defect::GraceOff) {
        options.timings.grace = 0;
    }
    options
}

fn answer_probes(world: &World, node: &Arc<Node>) {
    let listener = world.network.listen(&format!("{}:81", node.name())).until(node.process.stop.clone());
    // A shard is ready for users before it has seen a table, or there would never be a first.
    let draining = Arc::downgrade(node);
    let ready = move || match draining.upgrade() {
        Some(node) if !node.is_draining() => Ok(()),
        _ => Err("the shard drains".to_owned()),
    };
    let router = http_edge::operator_router(|_| ("text/plain", String::new()), ready);
    node.process.tasks.spawn(serve(listener, router, node.process.tasks.clone()));
}
