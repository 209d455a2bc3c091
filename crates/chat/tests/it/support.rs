//! What the tests stand on: a cluster of shards in this process, the people who use it, and everything that can go wrong between.

mod client;
mod clock;
mod cluster;
mod dice;
mod faulty_inbox;
mod faulty_log;
mod faulty_store;
mod people;
mod seen;
mod trouble;

pub(crate) use client::{Client, HandshakeFailed};
pub(crate) use cluster::{Cluster, hour, patient, quick};
pub(crate) use dice::Dice;
pub(crate) use faulty_inbox::HintFaults;
pub(crate) use people::Person;
pub(crate) use seen::Seen;
pub(crate) use trouble::Rates;
