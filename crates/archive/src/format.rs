//! What is in an object: a header that says what it is, and the segment's bytes, compressed by zstd.
//!
//! | bytes | |
//! | --- | --- |
//! | 7 | `CHATSEG` |
//! | 1 | the version of the format, 1 |
//! | 16 | the conversation |
//! | 8 × 4 | first, last, generation, and the length of what is compressed, little-endian |
//! | the rest | a zstd frame |
//!
//! The checksum of all of it is in the object's name.

use bytes::Bytes;
use protocol::ConversationId;
use xxhash_rust::xxh3::xxh3_64;

use crate::archive::{Segment, Stored};
use crate::error::{Error, Result};

/// How many bytes a segment may have before it is compressed: what is held in memory at once.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 7] = b"CHATSEG";
const VERSION: u8 = 1;
const HEADER: usize = 56;

/// zstd's own default: a third of the size of chat messages, at some 300 MB/s.
const LEVEL: i32 = 3;

/// Makes an object and its checksum.
pub(crate) fn encode(
    conversation: ConversationId,
    segment: Segment,
    bytes: &[u8],
) -> Result<(Stored, Bytes)> {
    if segment.first == 0 || segment.first > segment.last {
        return Err(Error::Invalid("events are counted from 1, and the last comes after the first"));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Error::Invalid("it is too large"));
    }
    let mut object = header(conversation, segment, bytes.len() as u64);
    let compressed =
        zstd::bulk::compress(bytes, LEVEL).map_err(|_| Error::Invalid("it cannot be compressed"))?;
    object.extend_from_slice(&compressed);
    Ok((Stored { segment, checksum: xxh3_64(&object) }, object.into()))
}

/// Gives what an object holds, after checking that it is the one that was asked for.
pub(crate) fn decode(conversation: ConversationId, stored: Stored, object: &[u8]) -> Result<Bytes> {
    if xxh3_64(object) != stored.checksum {
        return Err(Error::Corrupt("its checksum is another"));
    }
    let Some((head, compressed)) = object.split_at_checked(HEADER) else {
        return Err(Error::Corrupt("it has no header"));
    };
    if !head.starts_with(MAGIC) {
        return Err(Error::Corrupt("it is no segment"));
    }
    if head[MAGIC.len()] != VERSION {
        return Err(Error::Newer(head[MAGIC.len()]));
    }
    let length = head.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    if head != header(conversation, stored.segment, length) {
        return Err(Error::Corrupt("it is another segment"));
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BYTES);
    let length = length.ok_or(Error::Corrupt("its length is none"))?;
    match zstd::bulk::decompress(compressed, length) {
        Ok(bytes) if bytes.len() == length => Ok(bytes.into()),
        _ => Err(Error::Corrupt("it cannot be decompressed")),
    }
}

fn header(conversation: ConversationId, segment: Segment, length: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.push(VERSION);
    header.extend_from_slice(&conversation.0);
    for number in [segment.first, segment.last, segment.generation, length] {
        header.extend_from_slice(&number.to_le_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use proptest::prelude::*;

    use super::*;

    const ID: ConversationId = ConversationId([7; 16]);
    const SEGMENT: Segment = Segment { first: 1, last: 9, generation: 2 };

    /// Gives what a changed object would be stored as: its checksum is right.
    fn stored(object: &[u8]) -> Stored {
        Stored { segment: SEGMENT, checksum: xxh3_64(object) }
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(bytes: Vec<u8>) {
            let (stored, object) = encode(ID, SEGMENT, &bytes).unwrap();
            prop_assert_eq!(decode(ID, stored, &object).unwrap(), bytes);
        }

        #[test]
        fn nothing_panics_and_no_changed_byte_goes_unnoticed(at: prop::sample::Index, by in 1u8..) {
            let (stored, object) = encode(ID, SEGMENT, b"some bytes").unwrap();
            let mut object = object.to_vec();
            let at = at.index(object.len());
            object[at] ^= by;
            prop_assert!(matches!(decode(ID, stored, &object), Err(Error::Corrupt(_))));
            // With a checksum that fits it may be anything, but no panic.
            let _ = decode(ID, super::tests::stored(&object), &object);
        }
    }

    #[test]
    fn similar_messages_take_little_space() {
        let bytes = r#"{"from":"ann","text":"see you at the station","sent_at":1}"#.repeat(1_000);
        let (_, object) = encode(ID, SEGMENT, bytes.as_bytes()).unwrap();
        assert!(object.len() * 20 < bytes.len(), "{} of {}", object.len(), bytes.len());
    }

    #[test]
    fn what_is_not_asked_for_is_refused() {
        let (stored_as, object) = encode(ID, SEGMENT, b"some bytes").unwrap();
        assert!(matches!(decode(ConversationId([8; 16]), stored_as, &object), Err(Error::Corrupt(_))));
        let other = Stored { segment: Segment { last: 10, ..SEGMENT }, ..stored_as };
        assert!(matches!(decode(ID, other, &object), Err(Error::Corrupt(_))));
        assert!(matches!(decode(ID, stored(b""), b""), Err(Error::Corrupt(_))));

        let mut newer = object.to_vec();
        newer[MAGIC.len()] = VERSION + 1;
        assert_eq!(decode(ID, stored(&newer), &newer), Err(Error::Newer(VERSION + 1)));
        // A length that would take all memory.
        let mut huge = object.to_vec();
        huge[HEADER - 8..HEADER].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(decode(ID, stored(&huge), &huge), Err(Error::Corrupt(_))));
    }

    #[test]
    fn what_can_be_no_segment_is_refused() {
        for (first, last) in [(0, 5), (6, 5)] {
            let segment = Segment { first, last, generation: 0 };
            assert!(matches!(encode(ID, segment, b""), Err(Error::Invalid(_))), "{first}..={last}");
        }
        let large = vec![0; MAX_BYTES + 1];
        assert!(matches!(encode(ID, SEGMENT, &large), Err(Error::Invalid(_))));
    }
}
