//! What the roles need of the world: the traits, their errors, and the tests that every implementation must pass.
//!
//! [`Store`] is everything that lasts, by subject; [`Log`] the conversations' events, the one truth about messages;
//! [`Inbox`] the news from shard to shard, which may be lost; [`Outbox`] what must be told to people who are away.

mod accounts;
mod clock;
mod contacts;
#[cfg(feature = "contract")]
pub mod contract;
mod conversations;
mod devices;
mod dial;
mod discovery;
mod documents;
mod entropy;
mod error;
pub mod history;
mod inbox;
mod log;
mod logins;
mod outbox;
mod presences;
mod push;
mod sockets;
mod tasks;

pub use accounts::{Account, Accounts, AccountsPage, ProfileChange};
pub use clock::{Clock, SystemClock};
pub use contacts::Contacts;
pub use conversations::{Conversation, ConversationMember, Conversations, Membership, NewGroup, Removed};
pub use devices::{Device, Devices};
pub use dial::{Dial, Stream};
pub use discovery::{Discovery, FoundShard, ShardState, Shards};
pub use documents::{Document, Documents, Remembered};
pub use entropy::{Entropy, SystemEntropy};
pub use error::{Error, Result};
pub use inbox::{Batch, Inbox};
pub use log::{Append, Appended, Log, Operation, Reaction};
pub use logins::{EndedLogin, Login, Logins};
pub use outbox::{Outbox, OutboxEntry, OutboxPosition};
pub use presences::{PresenceRecord, Presences};
pub use push::{Note, Outcome, PushSender};
pub use sockets::ConnectedUsers;
pub use tasks::{Host, Tasks};

/// Everything that lasts, but the logs.
pub trait Store: Accounts + Logins + Conversations + Contacts + Devices + Presences + Documents {}

impl<T: Accounts + Logins + Conversations + Contacts + Devices + Presences + Documents> Store for T {}
