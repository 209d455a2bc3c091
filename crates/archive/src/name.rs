//! What the objects are called.
//!
//! `<conversation>/<last>-<first>-<generation>-<checksum>.segment`: numbers have leading zeros, so that the order of names is that of
//! last events, and the segment of an event is the first whose name is not smaller than the event's number. The checksum
//! makes a name stand for its content: to store an object twice is to store it once.

use object_store::path::Path;
use protocol::ConversationId;

use crate::archive::{Segment, Stored};

const SUFFIX: &str = ".segment";

/// Gives the folder of a conversation, in hexadecimal, since there are file systems that take upper and lower case for the same.
pub(crate) fn folder(prefix: &Path, conversation: ConversationId) -> Path {
    prefix.clone().join(format!("{:032x}", u128::from_be_bytes(conversation.0)))
}

/// Gives the name of a segment.
pub(crate) fn object(prefix: &Path, conversation: ConversationId, stored: Stored) -> Path {
    let Stored { segment: Segment { first, last, generation }, checksum } = stored;
    folder(prefix, conversation)
        .join(format!("{last:020}-{first:020}-{generation:020}-{checksum:016x}{SUFFIX}"))
}

/// Gives a name that is greater than those of all segments that end before an event, and smaller than the others.
pub(crate) fn before(prefix: &Path, conversation: ConversationId, seq: u64) -> Path {
    folder(prefix, conversation).join(format!("{seq:020}"))
}

/// Reads a name; `None` if it is not one of ours.
pub(crate) fn parse(path: &Path) -> Option<Stored> {
    let name = path.filename()?.strip_suffix(SUFFIX)?;
    let mut parts = name.split('-');
    let mut number = || parts.next().filter(|part| part.len() == 20)?.parse().ok();
    let (last, first, generation) = (number()?, number()?, number()?);
    let checksum = parts.next().filter(|part| part.len() == 16)?;
    let checksum = u64::from_str_radix(checksum, 16).ok()?;
    parts.next().is_none().then_some(Stored { segment: Segment { first, last, generation }, checksum })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use proptest::prelude::*;

    use super::*;

    fn stored() -> impl Strategy<Value = Stored> {
        any::<(u64, u64, u64, u64)>().prop_map(|(first, last, generation, checksum)| Stored {
            segment: Segment { first, last, generation },
            checksum,
        })
    }

    proptest! {
        #[test]
        fn a_name_says_what_it_stands_for(id: [u8; 16], stored in stored()) {
            prop_assert_eq!(parse(&object(&Path::from("a"), ConversationId(id), stored)), Some(stored));
        }

        #[test]
        fn names_are_in_the_order_of_last_events(id: [u8; 16], stored in stored(), seq: u64) {
            let prefix = Path::default();
            let name = object(&prefix, ConversationId(id), stored);
            prop_assert_eq!(before(&prefix, ConversationId(id), seq) < name, seq <= stored.segment.last);
        }

        #[test]
        fn other_names_are_none(name in "[0-9a-f.-]{0,100}") {
            prop_assert_eq!(parse(&Path::parse(format!("a/{name}")).unwrap_or_default()), None);
        }
    }

    #[test]
    fn a_conversation_has_a_folder() {
        let id = ConversationId([0xab; 16]);
        assert_eq!(folder(&Path::from("old/logs"), id).as_ref(), format!("old/logs/{}", "ab".repeat(16)));
        let other = ConversationId([1; 16]);
        assert!(folder(&Path::default(), other).as_ref().starts_with("0101"));
        assert_eq!(
            Path::parse(folder(&Path::default(), other).as_ref()).unwrap(),
            folder(&Path::default(), other)
        );
    }
}
