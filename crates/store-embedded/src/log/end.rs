//! Where a conversation's log ends.

use ports::Result;
use protocol::{ConversationId, Position, Timestamp};

use crate::engine::View;
use crate::keys::Table;
use crate::packing::{Packer, Parts};

/// The end of a log. All zero, and the oldest request 1, for an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The last event's place.
    pub(crate) position: Position,
    /// When it was appended.
    pub(crate) at: Timestamp,
    /// The first event whose request is still remembered.
    pub(crate) oldest_request: u64,
}

impl End {
    /// Reads a log's end.
    pub(crate) fn read(view: &dyn View, id: ConversationId) -> Result<Self> {
        let Some(record) = view.get(&key(id))? else {
            return Ok(Self { position: Position::default(), at: Timestamp(0), oldest_request: 1 });
        };
        let mut parts = Parts::of(&record);
        let position = Position { r#gen: parts.number()?, seq: parts.number()? };
        Ok(Self { position, at: parts.time()?, oldest_request: parts.number()? })
    }

    /// Gives the record to be written.
    pub(crate) fn record(self, id: ConversationId) -> (Vec<u8>, Vec<u8>) {
        let value = Packer::with_capacity(32).number(self.position.r#gen).number(self.position.seq);
        (key(id), value.number(self.at.0).number(self.oldest_request).bytes())
    }
}

fn key(id: ConversationId) -> Vec<u8> {
    Table::End.key().id(&id.0).bytes()
}
