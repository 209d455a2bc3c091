//! Where a node is: its address and its files.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::free_ports::BUS;

/// Where a node is: its address and its files.
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) index: usize,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
}

impl Node {
    /// Gives the node's place in [`crate::Lab::nodes`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// Gives the address that it listens on.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Gives the port for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Gives the port for other nodes.
    pub fn bus_port(&self) -> u16 {
        self.port + BUS
    }

    /// Gives `redis://address:port`, or `rediss://…` with TLS.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://{}:{}", self.address, self.port)
    }

    /// Gives the socket that answers the lab even where the network does not.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Gives the folder of its configuration, its log and its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the file that it logs to.
    pub fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.join("server.conf")
    }
}
