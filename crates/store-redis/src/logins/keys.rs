//! Where logins and tickets are.
//!
//! Logins lie in few partitions, so that all of them can be asked what ended.

use bytes::Bytes;
use protocol::LoginId;

use crate::accounts::partition_of;
use crate::keys::Keys;
use crate::todo::hexadecimal;

/// How many partitions there are of logins. It is part of the layout.
pub(crate) const LOGIN_PARTITIONS: u16 = 64;

/// Gives the key of a login, a hash: whose it is, what it was made with, its changing state, or that it has ended.
pub(super) fn login_key(keys: &Keys, login: LoginId) -> Bytes {
    keys.tagged(&tag(login_partition(login)), &format!(":{}", hexadecimal(&login.0)))
}

/// Gives the key of the logins of a partition that ended, a sorted set: login and username, by time.
pub(super) fn ended(keys: &Keys, partition: u16) -> Bytes {
    keys.tagged(&tag(partition), ":ended")
}

/// Gives the key of what is left to do for the logins of a partition, a hash.
pub(crate) fn logins_todo(keys: &Keys, partition: u16) -> Bytes {
    keys.tagged(&tag(partition), ":todo")
}

/// Gives the key of a ticket, which holds by what it was used.
pub(super) fn ticket_key(keys: &Keys, ticket: &[u8; 16]) -> Bytes {
    keys.tagged(&format!("t:{}", hexadecimal(ticket)), "")
}

/// Gives a login's partition.
pub(super) fn login_partition(login: LoginId) -> u16 {
    partition_of(&login.0, LOGIN_PARTITIONS)
}

fn tag(partition: u16) -> String {
    format!("l{partition}")
}
