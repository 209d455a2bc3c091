//! The calls of a session, one file a subject.

mod account;
mod call;
mod contact;
mod conversation;
mod device;

pub(crate) use call::Call;
pub use call::PageOf;
pub use conversation::Messages;
pub use device::Device;
