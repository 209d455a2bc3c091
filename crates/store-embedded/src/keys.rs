//! Where everything is: the tables, and the ranges of keys in them.

use crate::packing::Packer;

/// A table: the first byte of its keys. What follows, and what the values hold, is said at each.
///
/// The numbers are the format on the disk: a new table takes a new one.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Table {
    /// Nothing: the run that has the store open.
    Run = 0,
    /// Username: the account as JSON, nothing for a deleted one.
    Account = 1,
    /// Login: the login as JSON.
    Login = 2,
    /// Username, login: when it was made.
    LoginOf = 3,
    /// Time, login: whose it was.
    EndedLogin = 4,
    /// Ticket: when it may be forgotten.
    Ticket = 5,
    /// Time, ticket: nothing.
    TicketEnd = 6,
    /// Conversation: all but its members as JSON.
    Conversation = 7,
    /// Conversation, username: role, number of the last event at the join.
    Member = 8,
    /// Username, conversation, field: mutedness and the delivered mark, or the read mark.
    Membership = 9,
    /// Username: how often the user joined or left.
    MembershipVersion = 10,
    /// Username, username, the smaller first: their direct conversation.
    Pair = 11,
    /// Username, contact: when it was added.
    Contact = 12,
    /// Contact, username: nothing.
    ContactOf = 13,
    /// Username, blocked: when.
    Block = 14,
    /// Blocked, username: nothing.
    BlockedBy = 15,
    /// Another table, username: how many entries the user has in it.
    Count = 16,
    /// Username, device: the device as JSON.
    Device = 17,
    /// Username: the presence as JSON.
    Presence = 18,
    /// Username of one who is connected: nothing.
    Connected = 19,
    /// Name: version, body.
    Document = 20,
    /// Key: when the answer expires, the request's length, the request, the answer.
    Remembered = 21,
    /// Time, key: nothing.
    RememberedEnd = 22,
    /// Conversation, number: the event.
    Event = 23,
    /// Conversation: where its log ends.
    End = 24,
    /// Conversation, username, the client's id: what was appended for it.
    Request = 25,
    /// Conversation, message, username, emoji: number of the event that put it on.
    Reaction = 26,
    /// Conversation, message, emoji: how many have put it on.
    EmojiCount = 27,
    /// Conversation, message, number of an event that edited it: nothing.
    EditOf = 28,
    /// Partition, position: the entry.
    Outbox = 29,
    /// Partition: the position up to which all is dealt with.
    OutboxCursor = 30,
}

/// The keys from one, included, to another, excluded.
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    /// The first key.
    pub(crate) from: Vec<u8>,
    /// The key after the last.
    pub(crate) to: Vec<u8>,
}

/// The longest key part that a caller may choose freely, in bytes: engines have limits for keys.
const MAX_NAME_BYTES: usize = 4096;

impl Table {
    /// Begins a key of this table.
    pub(crate) fn key(self) -> Packer {
        Packer::new(self as u8)
    }
}

impl Packer {
    /// Gives the range of all keys that begin so.
    pub(crate) fn range(self) -> KeyRange {
        KeyRange::beginning_with(self.bytes())
    }
}

impl KeyRange {
    /// Gives the range of all keys that begin with `prefix`, which is not all 0xff.
    pub(crate) fn beginning_with(prefix: Vec<u8>) -> Self {
        let mut to = prefix.clone();
        while to.pop_if(|last| *last == u8::MAX).is_some() {}
        if let Some(last) = to.last_mut() {
            *last += 1;
        }
        Self { from: prefix, to }
    }

    /// Leaves out the keys before `key`.
    pub(crate) fn starting_at(mut self, key: Vec<u8>) -> Self {
        self.from = self.from.max(key);
        self
    }

    /// Leaves out `key` and the keys before it, but not those that `key` begins.
    pub(crate) fn after(self, mut key: Vec<u8>) -> Self {
        key.push(0);
        self.starting_at(key)
    }

    /// Leaves out `key` and the keys after it.
    pub(crate) fn ending_before(mut self, key: Vec<u8>) -> Self {
        self.to = self.to.min(key);
        self
    }

    /// Says whether no key lies in the range.
    pub(crate) fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}

/// Refuses names, chosen freely by a caller, that are too long to be a part of a key.
pub(crate) fn check_name(name: impl AsRef<[u8]>) -> ports::Result<()> {
    if name.as_ref().len() > MAX_NAME_BYTES {
        return Err(ports::Error::LimitReached("bytes in a name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_a_key_after_all_that_begin_with_it() {
        let range = KeyRange::beginning_with(vec![1, u8::MAX, u8::MAX]);
        assert_eq!(range.to, vec![2]);
        let range = KeyRange::beginning_with(vec![1, 7]);
        assert_eq!(range.to, vec![1, 8]);
    }

    #[test]
    fn a_range_can_be_narrowed_to_nothing() {
        let range = KeyRange::beginning_with(vec![1]).starting_at(vec![1, 9]).ending_before(vec![1, 3]);
        assert!(range.is_empty());
    }
}
