//! A process's way to the others.

use std::io;

use async_trait::async_trait;
use ports::{Dial, Stream};

use super::Network;

/// Connects as one process.
#[derive(Debug)]
pub(super) struct Dialer {
    network: Network,
    from: String,
}

impl Dialer {
    pub(super) fn new(network: Network, from: &str) -> Self {
        Self { network, from: from.to_owned() }
    }
}

#[async_trait]
impl Dial for Dialer {
    async fn dial(&self, authority: &str) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.network.connect(&self.from, authority).await?))
    }
}
