//! The registry: knows which shards there are, decides who serves whom, and tells everybody.
//!
//! [`Registry`] watches discovery, probes the shards, asks the planner of [`placement`] for the next table and
//! publishes it by compare-and-set. [`Registry::router`] hands it out; [`follow`] keeps a copy of it in another
//! process, and [`TableFeed`] is how every role reads that copy.
//!
//! What is invariant:
//!
//! - the epochs that anybody sees only grow, across restarts and leaders too: a table follows the one in the
//!   store, and a writer who does not know that one cannot write;
//! - a table, once seen, is kept until a newer one comes: with the registry or the store away, nothing moves;
//! - there is a new table only when something has changed;
//! - a restart of the registry moves nobody: it goes on from the stored table, and takes its shards for alive
//!   until probes say otherwise.
//!
//! What it relies on: discovery shows no list before it is complete (an empty one changes nothing), and a shard
//! can be ready before it has seen a table, or there would never be a first.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod backoff;
mod client;
mod feed;
mod follow;
mod load_sink;
mod loads;
mod membership;
mod options;
mod planner;
mod pressure;
mod probe;
mod publication;
mod registry;
mod report;
mod rollout;
mod router;
mod static_discovery;

pub use client::{Client, ClientError};
pub use feed::{Placed, TableFeed, TableSource, assignment_of};
pub use follow::follow;
pub use load_sink::LoadSink;
pub use options::RegistryOptions;
pub use registry::Registry;
pub use report::LoadReport;
pub use static_discovery::StaticDiscovery;
