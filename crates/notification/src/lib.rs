//! The notification role: from the outbox to the devices of those who are away.
//!
//! One worker a partition reads entries after the partition's durable cursor, decides who is to be told (`audience`), and moves the
//! cursor on when everybody was: whatever crashes in between, an entry is dealt with at least once. Whoever is connected may be dead
//! without anybody knowing yet, and waits (`waiting`) until the device is heard of, or found dead.

mod audience;
mod metrics;
mod note;
mod role;
mod send;
mod waiting;
mod worker;

pub use role::{Notification, NotificationParts, Options};
