//! Where everything is: the keys, and the slots that they are in.
//!
//! Keys of one tag (what stands between braces) are in one slot, so that one script can work on them.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use protocol::{ConversationId, Username};
use xxhash_rust::xxh3::xxh3_64;

/// How many partitions the conversations are in; part of the layout.
pub(crate) const PARTITIONS: u16 = 1024;

/// How many slots a cluster has.
pub(crate) const SLOTS: u16 = 16384;

/// Makes keys, all with the same prefix.
#[derive(Clone)]
pub(crate) struct Keys {
    prefix: Arc<str>,
}

/// Makes the keys of one conversation.
pub(crate) struct ConversationKeys {
    /// The key of the conversation itself: the others begin with it.
    base: String,
}

impl Keys {
    /// Makes keys that begin with `prefix`.
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Gives the key `rest` under a tag.
    pub(crate) fn tagged(&self, tag: &str, rest: &str) -> Bytes {
        format!("{}{{{tag}}}{rest}", self.prefix).into()
    }

    /// Gives the keys of a conversation.
    pub(crate) fn conversation(&self, id: ConversationId) -> ConversationKeys {
        let mut base = String::with_capacity(self.prefix.len() + 48);
        base.push_str(&self.prefix);
        // Writing into a string cannot fail.
        let _ = write!(base, "{{c{}}}:", partition_of(id));
        for byte in id.0 {
            let _ = write!(base, "{byte:02x}");
        }
        ConversationKeys { base }
    }

    /// Gives a key of a partition of the conversations.
    pub(crate) fn partition(&self, partition: u16, rest: &str) -> Bytes {
        self.tagged(&format!("c{partition}"), rest)
    }

    /// Gives the key of a partition's outbox, a stream.
    pub(crate) fn outbox(&self, partition: u16) -> Bytes {
        self.partition(partition, ":out")
    }

    /// Gives the key of a partition's intents, a hash.
    pub(crate) fn todo(&self, partition: u16) -> Bytes {
        self.partition(partition, ":todo")
    }

    /// Gives the key of what the store as a whole knows of itself, a hash.
    pub(crate) fn meta(&self) -> Bytes {
        self.tagged("meta", "")
    }
}

impl ConversationKeys {
    /// The conversation, a hash: `kind` (d or g), `title`, `created`, `version`, `blocked` (0 or 1), and of its log `seq`, `gen`, `own`, `active`.
    pub(crate) fn conversation(&self) -> Bytes {
        self.base.clone().into()
    }

    /// The members, a hash: username → `role joined_at_seq muted read delivered`, with o, a or m for the role and 0 or 1 for muted.
    pub(crate) fn members(&self) -> Bytes {
        self.part(":m")
    }

    /// The log, a stream with the ids `<seq>-<gen>`.
    pub(crate) fn log(&self) -> Bytes {
        self.part(":log")
    }

    /// The requests of a sender that are remembered, a hash: id → `seq gen at digest token`.
    pub(crate) fn requests(&self, sender: &Username) -> Bytes {
        format!("{}:i:{sender}", self.base).into()
    }

    /// Older requests of a sender, a hash as [`ConversationKeys::requests`].
    pub(crate) fn older_requests(&self, sender: &Username) -> Bytes {
        format!("{}:i:{sender}:o", self.base).into()
    }

    /// What became of events later, a hash.
    pub(crate) fn changes(&self) -> Bytes {
        self.part(":x")
    }

    /// The reactions in order, a sorted set without scores.
    pub(crate) fn reactions(&self) -> Bytes {
        self.part(":r")
    }

    /// The reactions by what they are, a hash.
    pub(crate) fn reacted(&self) -> Bytes {
        self.part(":rc")
    }

    fn part(&self, rest: &str) -> Bytes {
        [self.base.as_bytes(), rest.as_bytes()].concat().into()
    }
}

/// Gives a conversation's partition.
pub(crate) fn partition_of(ConversationId(id): ConversationId) -> u16 {
    // Less than PARTITIONS, which fits.
    (xxh3_64(&id) % u64::from(PARTITIONS)) as u16
}

/// Gives a key's slot: the CRC-16 (XMODEM) of its tag, or of all of it if it has none.
pub(crate) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let index = usize::from((crc >> 8) ^ u16::from(*byte)) & 0xff;
        (crc << 8) ^ CRC16.get(index).copied().unwrap_or(0)
    })
}

/// What each byte does to the remainder, for the polynomial 0x1021.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // As CLUSTER KEYSLOT says.
        for (key, slot) in [("123456789", 12739), ("foo", 12182), ("{foo}.bar", 12182), ("a{}b", 13694)] {
            assert_eq!(slot_of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn the_keys_of_a_conversation_are_in_one_slot() {
        let keys = Keys::new("chatapp:");
        let id = ConversationId([7; 16]);
        let ada = Username::new("ada").unwrap();
        let of_it = keys.conversation(id);
        let all = [
            of_it.conversation(),
            of_it.members(),
            of_it.log(),
            of_it.requests(&ada),
            of_it.older_requests(&ada),
            of_it.changes(),
            of_it.reactions(),
            of_it.reacted(),
            keys.outbox(partition_of(id)),
            keys.todo(partition_of(id)),
        ];
        let slots: Vec<u16> = all.iter().map(|key| slot_of(key)).collect();
        assert!(slots.iter().all(|slot| *slot == slots[0]));
        assert!(all[0].starts_with(b"chatapp:{c"));
        assert!(all[0].ends_with(b"}:07070707070707070707070707070707"));
    }
}
