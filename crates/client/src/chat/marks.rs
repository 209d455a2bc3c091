//! Read marks, which have no answer.

use std::collections::BTreeMap;

use protocol::ConversationId;
use protocol::chat::Read;

/// The read marks that may not have arrived: nothing says so, hence each is sent again on the next connection, once.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: BTreeMap<ConversationId, Mark>,
}

#[derive(Debug)]
struct Mark {
    seq: u64,
    sent: bool,
}

impl Marks {
    /// Takes a mark that is sent now if `connected`; gives nothing if it lies behind an earlier one.
    pub(super) fn set(&mut self, read: Read, connected: bool) -> Option<Read> {
        if self.marks.get(&read.conversation).is_some_and(|mark| mark.seq >= read.seq) {
            return None;
        }
        self.marks.insert(read.conversation, Mark { seq: read.seq, sent: connected });
        connected.then_some(read)
    }

    /// Gives what is to be sent on a new connection.
    pub(super) fn connected(&mut self) -> Vec<Read> {
        let reads = self
            .marks
            .iter()
            .map(|(conversation, mark)| Read { conversation: *conversation, seq: mark.seq })
            .collect();
        self.marks.retain(|_, mark| !mark.sent);
        self.marks.values_mut().for_each(|mark| mark.sent = true);
        reads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_sent_on_two_connections_and_never_moves_back() {
        let conversation = ConversationId([1; 16]);
        let mut marks = Marks::default();
        assert!(marks.set(Read { conversation, seq: 5 }, true).is_some());
        assert!(marks.set(Read { conversation, seq: 4 }, true).is_none());
        assert!(marks.set(Read { conversation, seq: 6 }, false).is_none());
        let sent = |reads: Vec<Read>| reads.into_iter().map(|read| read.seq).collect::<Vec<_>>();
        assert_eq!(sent(marks.connected()), [6]);
        assert_eq!(sent(marks.connected()), [6]);
        assert!(marks.connected().is_empty());
    }
}
