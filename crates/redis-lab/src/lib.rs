//! Real Redis clusters of processes on this machine, for tests and for trying things out.
//!
//! [`Lab::start`] starts the servers, forms the cluster and waits until every node agrees. A [`Lab`] then breaks it on
//! purpose: it kills, pauses and restarts nodes, moves slots, fails over, and (in a network of the test's own, see
//! [`in_own_network`]) cuts nodes off. All processes end with the lab, also when the test process is killed.
//!
//! Nodes are named by their index, `0..masters` the first masters, the others their replicas in turn: node
//! `masters + r * masters + m` is a replica of node `m`.

mod admin;
mod certificates;
mod configuration;
mod error;
mod faults;
mod form;
mod free_ports;
mod guard;
mod health;
mod lab;
mod network;
mod node;
mod options;
mod own_network;
mod process;
mod slots;
mod view;

pub use error::{Error, Result};
pub use lab::Lab;
pub use node::Node;
pub use options::{AppendFsync, Options, valkey_server};
pub use own_network::in_own_network;
pub use view::{Peer, View};

/// How many slots a Redis Cluster has.
pub const SLOTS: u16 = 16_384;
