#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may panic, and have no process to spawn in"
)]

mod chat;
mod faults;
mod http;
mod streams;

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{Listener, Network, Pipe};
use crate::dice::Dice;

/// A network on which a chunk takes so many milliseconds.
fn network(seed: u64, delay: std::ops::RangeInclusive<u64>) -> Network {
    let network = Network::new(Dice::new(seed, "network"));
    network.set_delay(delay);
    network
}

/// A device's and a shard's end of a connection between them.
async fn connected(network: &Network) -> (Pipe, Pipe) {
    let mut listener = network.listen("chat-0:80");
    let device = network.connect("device", "chat-0:80").await.unwrap();
    (device, accept(&mut listener).await)
}

async fn accept(listener: &mut Listener) -> Pipe {
    listener.accept().await.unwrap().0
}

/// Reads so many bytes as a text.
async fn read(pipe: &mut Pipe, count: usize) -> String {
    let mut bytes = vec![0; count];
    pipe.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Reads all that comes.
async fn read_all(pipe: &mut Pipe) -> std::io::Result<String> {
    let mut text = String::new();
    pipe.read_to_string(&mut text).await.map(|_| text)
}

async fn write(pipe: &mut Pipe, text: &str) {
    pipe.write_all(text.as_bytes()).await.unwrap();
}

/// Lets virtual time pass.
async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Says whether nothing comes in a minute.
async fn is_quiet(pipe: &mut Pipe) -> bool {
    tokio::time::timeout(Duration::from_mins(1), pipe.read_u8()).await.is_err()
}

fn millis_since(start: Instant) -> u128 {
    start.elapsed().as_millis()
}
