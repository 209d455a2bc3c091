//! A client of one node, over the network.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult, cmd};
use redis_lab::{Lab, Options};

/// What a client waits here for an answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Starts a cluster of three masters with a replica each, whose nodes are missed quickly.
pub(crate) async fn cluster() -> Lab {
    Lab::start(options()).await.unwrap()
}

pub(crate) fn options() -> Options {
    Options { node_timeout: Duration::from_millis(500), ..Options::default() }
}

pub(crate) async fn connect(lab: &Lab, node: usize) -> MultiplexedConnection {
    try_connect(&lab.node(node).url()).await.unwrap()
}

pub(crate) async fn try_connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let patience = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    Client::open(url)?.get_multiplexed_async_connection_with_config(&patience).await
}

pub(crate) async fn ping(connection: &mut MultiplexedConnection) -> RedisResult<String> {
    cmd("PING").query_async(connection).await
}

/// Writes a value on the master of its slot, and waits until its replica has it.
pub(crate) async fn set(lab: &Lab, key: &str, value: &str) {
    let master = lab.master_of(lab.slot_of(key).await.unwrap()).await.unwrap();
    let mut connection = connect(lab, master).await;
    let (replicas,): (usize,) = redis::pipe()
        .set(key, value)
        .ignore()
        .cmd("WAIT")
        .arg(1)
        .arg(400)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(replicas, 1, "a replica has it");
}

/// Reads a value from the master of its slot.
pub(crate) async fn get(lab: &Lab, key: &str) -> Option<String> {
    let master = lab.master_of(lab.slot_of(key).await.unwrap()).await.unwrap();
    cmd("GET").arg(key).query_async(&mut connect(lab, master).await).await.unwrap()
}
