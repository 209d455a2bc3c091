//! A store in one folder on the local disk, without a server: for one process, crash-safe, with group commit; and its twin in memory for tests.
//!
//! [`EmbeddedStore`] is all of [`ports::Store`], and the [`ports::Log`], the [`ports::Inbox`] and the [`ports::Outbox`].
//! `store` opens and closes it; `engine` is the ordered map below it and `writer` the one thread that writes; `keys` says where everything is.

mod accounts;
mod contacts;
mod conversations;
mod count;
mod devices;
mod documents;
mod engine;
mod expiry;
mod folder;
mod inbox;
mod keys;
mod log;
mod logins;
mod options;
mod outbox;
mod packing;
mod presences;
mod run;
mod store;
mod writer;

pub use options::{OpenError, Options};
pub use store::EmbeddedStore;
