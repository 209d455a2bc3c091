//! A whole cluster under one seed: the roles that ship, over a network and a store that fail on purpose, in virtual time.
//!
//! One thread, one scheduler, no clock and no chance but those of the seed: the same seed gives the same history. People use the cluster as
//! people do, faults come as the seed says, and a checker that knows only what was asked, acked and shown holds it against what is promised.

pub mod checker;
pub mod cluster;
pub mod defect;
pub mod dice;
pub mod history;
pub mod host;
pub mod network;
mod panics;
pub mod people;
mod report;
pub mod run;
pub mod schedule;
pub mod set_up;
pub mod shrink;
pub mod store;
pub mod sweep;
mod trouble;
pub mod world;

pub use report::report;
