//! The notification worker, and the provider to which it gives its notes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::notification::{Notification, NotificationParts, Options};
use async_trait::async_trait;
use ports::{ConnectedUsers, Device, Error, Note, Outcome, PushSender};
use protocol::{ConversationId, Username};
use serde::Deserialize;
use serde_json::Value;

use super::Nodes;
use super::node::{Node, Role};
use crate::defect::Defect;
use crate::dice::Dice;
use crate::history::{Happened, History};
use crate::world::World;

/// A provider that writes down what it was given, and is sometimes busy.
pub(super) struct Recorder {
    history: History,
    dice: Dice,
}

/// What a note says of its message.
#[derive(Deserialize)]
struct About {
    conversation: ConversationId,
    seq: u64,
}

/// Asks the chat shards who is connected.
struct Asked {
    nodes: Arc<Nodes>,
    dice: Dice,
    /// Whether whoever is connected counts as heard of, which is a defect.
    trusts: bool,
}

/// Runs the worker.
pub(super) fn run(world: &World, node: &Arc<Node>, nodes: Arc<Nodes>) {
    let (process, store) = (&node.process, world.store.handle(node.name()));
    let started = Notification::start(NotificationParts {
        store: store.clone(),
        log: store.clone(),
        outbox: store,
        connected: Arc::new(Asked {
            nodes,
            dice: world.dice("asked"),
            trusts: world.has(Defect::DeadCountsAsTold),
        }),
        entropy: process.entropy(),
        senders: vec![Arc::new(Recorder::new(world))],
        metrics: telemetry::Metrics::new(),
        options: Options::default(),
        tasks: process.tasks.clone(),
        stop: process.stop.clone(),
    });
    if started.is_ok() {
        node.set_ready();
    }
}

impl Recorder {
    pub(super) fn new(world: &World) -> Self {
        Self { history: world.history.clone(), dice: world.dice("provider") }
    }
}

#[async_trait]
impl PushSender for Recorder {
    fn channel(&self) -> &'static str {
        "log"
    }

    fn check(&self, _address: &Value) -> Result<(), String> {
        Ok(())
    }

    async fn send(&self, device: &Device, note: &Note) -> Outcome {
        tokio::time::sleep(self.dice.millis(1..=200)).await;
        if self.dice.chance(0.05) {
            return Outcome::Retry { after: self.dice.millis(100..=2_000) };
        }
        let about = note.data.clone().map(serde_json::from_value::<About>);
        // The address says whose device it is, as a provider's token would.
        let user =
            device.address.get("user").and_then(Value::as_str).and_then(|name| Username::new(name).ok());
        if let (Some(Ok(About { conversation, seq })), Some(user)) = (about, user) {
            self.history.note(Happened::Pushed { user, device: device.id.clone(), conversation, seq });
        }
        // The answer takes its time too: a worker that dies now does not know.
        tokio::time::sleep(self.dice.millis(1..=200)).await;
        Outcome::Sent
    }
}

#[async_trait]
impl ConnectedUsers for Asked {
    async fn connected(&self, usernames: &[Username]) -> ports::Result<BTreeMap<Username, Duration>> {
        tokio::time::sleep(self.dice.millis(1..=20)).await;
        let mut connected: BTreeMap<Username, Duration> = BTreeMap::new();
        for node in self.nodes.of(Role::Chat) {
            if node.is_frozen() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Err(Error::Unavailable(format!("{} does not answer", node.name())));
            }
            let Some(chat) = node.chat() else { continue };
            for (user, silence) in chat.connected(usernames) {
                let silence = if self.trusts { Duration::ZERO } else { silence };
                let shortest = connected.entry(user).or_insert(silence);
                *shortest = silence.min(*shortest);
            }
        }
        Ok(connected)
    }
}
