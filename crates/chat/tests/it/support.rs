//! What the tests stand on: shards in this process, the people who use them, and everything that can go wrong between.

mod client;
mod clock;
mod cluster;
mod dice;
mod faulty_inbox;
mod faulty_log;
mod faulty_store;
mod forgetful_log;
mod options;
mod people;
mod seen;
mod tables;
mod trouble;
mod writing;

pub(crate) use client::{Client, Requests, message};
pub(crate) use cluster::Cluster;
pub(crate) use dice::Dice;
pub(crate) use faulty_inbox::HintFaults;
pub(crate) use forgetful_log::ForgetfulLog;
pub(crate) use options::{patient, quick};
pub(crate) use people::Person;
pub(crate) use seen::kind;
pub(crate) use trouble::Rates;
