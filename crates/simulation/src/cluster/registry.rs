//! A replica of the registry.

use std::sync::Arc;
use std::time::Duration;

use ::registry::{Registry, RegistryOptions};

use super::kubernetes::Kubernetes;
use super::node::Node;
use crate::network::serve;
use crate::world::World;

/// Runs a replica.
pub(super) fn run(world: &World, node: &Arc<Node>, kubernetes: &Kubernetes) {
    let process = &node.process;
    let discovery = kubernetes.watch(node.name());
    let options = RegistryOptions {
        probe_period: Duration::from_millis(1_000),
        probe_timeout: Duration::from_millis(800),
        debounce: Duration::from_millis(500),
        ..RegistryOptions::default()
    };
    let store = world.store.handle(node.name());
    let dial = world.network.dialer(node.name());
    let registry = Registry::new(&*discovery, store, process.clock(), dial, options).led_by(node.leading());
    let router = registry.router(process.stop.clone());
    let listener = world.network.listen(&format!("{}:80", node.name())).until(node.process.stop.clone());
    process.tasks.spawn(serve(listener, router, process.tasks.clone()));
    process.tasks.spawn(registry.run(process.stop.clone()));
    node.set_ready();
}
