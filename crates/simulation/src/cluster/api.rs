//! A replica of the api role.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use ::api::{Api, ApiOptions, ApiParts, Keys, KeysParts, LimitOptions, Notifier};
use async_trait::async_trait;
use ports::Note;
use protocol::Username;

use super::node::Node;
use super::notification::Recorder;
use super::tables;
use crate::network::serve;
use crate::set_up;
use crate::world::World;

/// After how long one that could not start tries again.
const AGAIN: Duration = Duration::from_millis(500);

/// Nobody asks for notes here.
struct NoNotes;

#[async_trait]
impl Notifier for NoNotes {
    async fn notify(&self, _to: &Username, _note: Note) -> ports::Result<()> {
        Err(ports::Error::Unavailable("there are no notes".to_owned()))
    }
}

/// Runs a replica.
pub(super) fn run(world: &World, node: &Arc<Node>) {
    let (world, node, tasks) = (world.clone(), node.clone(), node.process.tasks.clone());
    tasks.spawn(async move {
        let (process, store) = (&node.process, world.store.handle(node.name()));
        let keys = loop {
            let parts = KeysParts {
                store: store.clone(),
                clock: process.clock(),
                entropy: process.entropy(),
                realm: set_up::realm(),
                lifetimes: set_up::lifetimes(),
                rotation: auth::RotationPolicy::default(),
            };
            match Keys::open(parts).await {
                Ok(keys) => break keys,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        process.tasks.spawn(keys.clone().run(process.stop.clone()));
        let Some(tables) = tables::first(&world, &node).await else { return };
        let limits =
            LimitOptions { log_in: None, sign_up: None, address: None, user: None, exempt_loopback: true };
        let cores = NonZero::<usize>::MIN.get();
        let api = Api::new(ApiParts {
            store: store.clone(),
            log: store.clone(),
            inbox: store.clone(),
            clock: process.clock(),
            entropy: process.entropy(),
            tables,
            keys,
            channels: vec![Arc::new(Recorder::new(&world))],
            notifier: Arc::new(NoNotes),
            dial: world.network.dialer(node.name()),
            metrics: telemetry::Metrics::new(),
            options: ApiOptions { limits, hashing_cores: cores, ..ApiOptions::default() },
            tasks: process.tasks.clone(),
            stop: process.stop.clone(),
        });
        let Ok(api) = api else { return };
        let listener = world.network.listen(&format!("{}:80", node.name())).until(node.process.stop.clone());
        process.tasks.spawn(serve(listener, api.router(), process.tasks.clone()));
        node.set_ready();
    });
}
