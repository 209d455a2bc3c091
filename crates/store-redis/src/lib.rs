//! A store in a Redis Cluster (Redis 7 or newer, or Valkey): for many processes, replicated, with one acknowledgement for a batch of writes.
//!
//! [`RedisStore`] is all of [`ports::Store`], and the [`ports::Log`], the [`ports::Inbox`] and the [`ports::Outbox`].
//! `link` sends calls to the cluster's nodes and retries them; `keys` says where everything is; `log`, `inbox` and `outbox` are about
//! messages, the other modules about what else lasts. Each change is one Lua script on keys of one slot.

mod accounts;
mod contacts;
mod context;
mod conversations;
mod devices;
mod documents;
mod error;
mod inbox;
mod keys;
mod link;
mod log;
mod logins;
mod merge;
mod migration;
mod options;
mod outbox;
mod presences;
mod script;
mod store;
#[cfg(test)]
mod testing;
mod todo;
mod value;

pub use error::OpenError;
pub use options::{Acks, Options};
pub use store::RedisStore;
