//! The calls, one file a subject.

pub(crate) mod blocks;
pub(crate) mod contacts;
pub(crate) mod conversations;
pub(crate) mod devices;
pub(crate) mod documents;
pub(crate) mod log_in;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod notify;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod search;
pub(crate) mod servers;
pub(crate) mod sign_up;
pub(crate) mod tokens;
pub(crate) mod users;
pub(crate) mod web;
