//! How a process that is not the registry gets its tables.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use placement::{Epoch, Table};
use ports::{Dial, Stream};
use registry::{Client, TableSource, follow};
use tokio::sync::watch;

use super::node::Node;
use crate::dice::Dice;
use crate::world::World;

/// How many replicas the service of the registry may have.
const REPLICAS: u64 = 2;

/// The service of the registry: each connection goes to one of the replicas.
#[derive(Debug)]
struct Service {
    inner: Arc<dyn Dial>,
    dice: Dice,
}

#[async_trait]
impl Dial for Service {
    async fn dial(&self, _authority: &str) -> io::Result<Box<dyn Stream>> {
        let replica = self.dice.between(0..=REPLICAS - 1);
        self.inner.dial(&format!("registry-{replica}:80")).await
    }
}

/// Follows the registry, and waits for the first table.
pub(super) async fn first(world: &World, node: &Arc<Node>) -> Option<watch::Receiver<Arc<Table>>> {
    let dial = Service { inner: world.network.dialer(node.name()), dice: world.dice(node.name()) };
    let client = Client::new(http::Uri::from_static("http://registry:80"), Arc::new(dial));
    let source = TableSource::new();
    let mut feed = source.feed();
    let process = &node.process;
    process.tasks.spawn(follow(client, source, process.entropy(), process.stop.clone()));
    let (sender, receiver) = watch::channel(feed.newer_than(Epoch::ZERO).await?);
    let mut late = node.is_late();
    process.tasks.spawn(async move {
        loop {
            let epoch = sender.borrow().epoch;
            let Some(_) = feed.newer_than(epoch).await else { return };
            if late.wait_for(|late| !late).await.is_err() {
                return;
            }
            if let Some(table) = feed.current() {
                sender.send_replace(table);
            }
        }
    });
    Some(receiver)
}
