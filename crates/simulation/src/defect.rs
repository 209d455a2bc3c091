//! Deliberate defects, put in between the roles and what they stand on, to show that the checker finds them.

use std::fmt;
use std::str::FromStr;

/// A defect that a world can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// A message is acked although nobody knows whether the store has it.
    AckInDoubt,
    /// A repeated request is recognised only where it was made first.
    DedupeForgotten,
    /// A page of the log lacks its first event.
    EventSkipped,
    /// A process reads the members of a conversation once, and never again.
    StaleMembers,
    /// One shard gets no hints, and nobody sweeps.
    GroupFragmentMissed,
    /// Hints are lost, and nobody sweeps.
    HintLostWithoutSweep,
    /// The notification worker is not shown every entry.
    OutboxEntryMissed,
    /// The outbox's cursor moves when entries are read, not when they are dealt with.
    OutboxCursorAhead,
    /// An older owner's word about a user's presence counts.
    PresenceFenceOff,
    /// A registry that does not lead any more can publish.
    TableFenceOff,
    /// A read mark can go back.
    MarkGoesBack,
    /// A log that lost its tail goes on in the same generation.
    GenerationKept,
    /// Whoever is blocked can write.
    BlockIgnored,
    /// A login that has ended still counts.
    LogoutIgnored,
    /// A device that vanished stays online.
    SilenceIgnored,
    /// Whoever reconnects is shown as offline in between.
    GraceOff,
    /// A device that vanished counts as told.
    DeadCountsAsTold,
    /// An edit changes nothing for later readers.
    EditForgotten,
    /// Two events of a page of the log change places.
    OrderBroken,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::AckInDoubt,
        Self::DedupeForgotten,
        Self::EventSkipped,
        Self::StaleMembers,
        Self::GroupFragmentMissed,
        Self::HintLostWithoutSweep,
        Self::OutboxEntryMissed,
        Self::OutboxCursorAhead,
        Self::PresenceFenceOff,
        Self::TableFenceOff,
        Self::MarkGoesBack,
        Self::GenerationKept,
        Self::BlockIgnored,
        Self::LogoutIgnored,
        Self::SilenceIgnored,
        Self::GraceOff,
        Self::DeadCountsAsTold,
        Self::EditForgotten,
        Self::OrderBroken,
    ];
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl FromStr for Defect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|defect| defect.to_string() == name);
        known.ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
            format!("there is no defect {name}; there are {}", names.join(", "))
        })
    }
}
