//! What the tests stand on: shards in this process, the people who use them, and inboxes that lose, repeat, delay and reorder.

mod client;
mod cluster;
mod dice;
mod faulty_inbox;
mod people;
mod seen;

pub(crate) use client::Client;
pub(crate) use cluster::Cluster;
pub(crate) use dice::Dice;
pub(crate) use faulty_inbox::HintFaults;
pub(crate) use people::Person;
