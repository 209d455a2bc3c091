//! What people do, and how often.

use crate::dice::Dice;

/// Something that a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Writes into a conversation.
    Write,
    /// Writes to somebody, perhaps for the first time.
    WriteTo,
    /// Writes several messages in a row.
    Chatter,
    /// Answers a message.
    Reply,
    /// Changes an own message.
    Edit,
    /// Takes an own message back.
    Delete,
    /// Puts an emoji on a message, or takes one off.
    React,
    /// Reads.
    Read,
    /// Types, and perhaps sends nothing.
    Type,
    /// Makes a group.
    MakeGroup,
    /// Adds somebody to a group, or somebody who was removed again.
    AddMember,
    /// Removes somebody from a group.
    RemoveMember,
    /// Leaves a group.
    Leave,
    /// Mutes or unmutes a conversation.
    Mute,
    /// Blocks somebody.
    Block,
    /// Lifts a block.
    Unblock,
    /// Adds a contact.
    AddContact,
    /// Removes a contact.
    RemoveContact,
    /// Chooses how to be shown.
    ChooseStatus,
    /// Looks how everybody is.
    Look,
    /// Turns a device off for a while, in good order.
    RestDevice,
    /// Loses a device's connections without a word; it comes back.
    LoseDevice,
    /// Goes offline with all devices for a while.
    GoOffline,
    /// Ends the login of a device.
    LogOut,
}

/// How often each is done, in parts of the sum.
pub(super) const WEIGHTS: [(Deed, u64); 24] = [
    (Deed::Write, 280),
    (Deed::WriteTo, 120),
    (Deed::Chatter, 30),
    (Deed::Reply, 50),
    (Deed::Edit, 55),
    (Deed::Delete, 30),
    (Deed::React, 55),
    (Deed::Read, 90),
    (Deed::Type, 55),
    (Deed::MakeGroup, 30),
    (Deed::AddMember, 25),
    (Deed::RemoveMember, 18),
    (Deed::Leave, 12),
    (Deed::Mute, 8),
    (Deed::Block, 10),
    (Deed::Unblock, 14),
    (Deed::AddContact, 18),
    (Deed::RemoveContact, 8),
    (Deed::ChooseStatus, 30),
    (Deed::Look, 8),
    (Deed::RestDevice, 20),
    (Deed::LoseDevice, 14),
    (Deed::GoOffline, 12),
    (Deed::LogOut, 3),
];

impl Deed {
    /// Picks one.
    pub(super) fn any(dice: &Dice) -> Self {
        let sum: u64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = dice.between(0..=sum - 1);
        for (deed, weight) in WEIGHTS {
            if drawn < weight {
                return deed;
            }
            drawn -= weight;
        }
        Self::Write
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everything_is_done_sooner_or_later() {
        let dice = Dice::new(1, "deeds");
        let done: BTreeSet<Deed> = (0..10_000).map(|_| Deed::any(&dice)).collect();
        let all: BTreeSet<Deed> = WEIGHTS.iter().map(|(deed, _)| *deed).collect();
        assert_eq!((done.len(), all.len()), (WEIGHTS.len(), WEIGHTS.len()));
    }
}
