//! Deciding for one connection whether a live event may pass.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ConversationId;

/// How many live events wait for the client's first frame; beyond, the connection counts as one that does not resume.
const MAX_HELD: usize = 512;

/// Whether a live event may pass.
#[derive(Debug, PartialEq, Eq)]
pub enum Passage<F> {
    /// It goes to the client now.
    Pass(F),
    /// It does not: it is kept, or will be read from the log.
    Kept,
    /// Too many were kept: these go to the client now, in this order.
    Release(Vec<F>),
}

/// The gate of one connection.
///
/// Between `welcome` and the client's first frame events are held: if that frame is a `resume`, they come from the log instead, in order
/// with what was missed. During a resume an event passes only if its conversation has been caught up with. Afterwards everything passes.
#[derive(Debug)]
pub struct Gate<F> {
    phase: Phase<F>,
    /// The first event that passed live in each conversation: a late resume reads the log up to there. Forgotten with the first resume.
    first_live: Option<BTreeMap<ConversationId, u64>>,
}

#[derive(Debug)]
enum Phase<F> {
    /// The client has said nothing yet.
    Waiting(Vec<(ConversationId, u64, F)>),
    /// A resume reads the log.
    Resuming {
        /// Caught up.
        done: BTreeSet<ConversationId>,
        /// Not caught up, but something happened there: these must be caught up with as well.
        touched: BTreeSet<ConversationId>,
    },
    /// Everything passes.
    Open,
}

impl<F> Default for Gate<F> {
    fn default() -> Self {
        Self { phase: Phase::Waiting(Vec::new()), first_live: Some(BTreeMap::new()) }
    }
}

impl<F> Gate<F> {
    /// Takes a live event with its number.
    pub fn live(&mut self, conversation: ConversationId, seq: u64, frame: F) -> Passage<F> {
        match &mut self.phase {
            Phase::Open => {
                if let Some(first_live) = &mut self.first_live {
                    first_live.entry(conversation).or_insert(seq);
                }
                Passage::Pass(frame)
            }
            Phase::Resuming { done, touched } => {
                if done.contains(&conversation) {
                    return Passage::Pass(frame);
                }
                touched.insert(conversation);
                Passage::Kept
            }
            Phase::Waiting(held) => {
                held.push((conversation, seq, frame));
                if held.len() < MAX_HELD { Passage::Kept } else { Passage::Release(self.open()) }
            }
        }
    }

    /// Says that the client's first frame was another than `resume`, or has been waited for long enough: gives what was held.
    pub fn open(&mut self) -> Vec<F> {
        let Phase::Waiting(held) = &mut self.phase else { return Vec::new() };
        let held = std::mem::take(held);
        self.phase = Phase::Open;
        let pass = |(conversation, seq, frame)| match self.live(conversation, seq, frame) {
            Passage::Pass(frame) => Some(frame),
            Passage::Kept | Passage::Release(_) => None,
        };
        held.into_iter().filter_map(pass).collect()
    }

    /// Begins a resume: from now on events pass only where [`Gate::caught_up`] was called.
    ///
    /// Gives for each conversation the first event that has passed live already, which the resume must not repeat. `None`: there was a
    /// resume before, so that everything has passed and there is nothing to read.
    pub fn begin_resume(&mut self) -> Option<BTreeMap<ConversationId, u64>> {
        let first_live = self.first_live.take()?;
        let done = first_live.keys().copied().collect();
        self.phase = Phase::Resuming { done, touched: BTreeSet::new() };
        Some(first_live)
    }

    /// Says that the connection has been given everything that the shard has shown of the conversation so far.
    pub fn caught_up(&mut self, conversation: ConversationId) {
        if let Phase::Resuming { done, touched } = &mut self.phase {
            touched.remove(&conversation);
            done.insert(conversation);
        }
    }

    /// Ends a resume, or gives the conversations that came up meanwhile and must be caught up with first.
    pub fn end_resume(&mut self) -> Result<(), Vec<ConversationId>> {
        if let Phase::Resuming { touched, .. } = &mut self.phase
            && !touched.is_empty()
        {
            return Err(std::mem::take(touched).into_iter().collect());
        }
        self.phase = Phase::Open;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use proptest::prelude::*;

    use super::*;

    const A: ConversationId = ConversationId([1; 16]);
    const B: ConversationId = ConversationId([2; 16]);

    #[test]
    fn a_client_that_does_not_resume_gets_what_was_held() {
        let mut gate = Gate::default();
        assert_eq!(gate.live(A, 5, 'x'), Passage::Kept);
        assert_eq!(gate.live(A, 6, 'y'), Passage::Kept);
        assert_eq!(gate.open(), ['x', 'y']);
        assert_eq!(gate.live(A, 7, 'z'), Passage::Pass('z'));
        assert_eq!(gate.begin_resume(), Some(BTreeMap::from([(A, 5)])));
    }

    #[test]
    fn what_happens_during_a_resume_in_a_new_conversation_is_not_missed() {
        let mut gate = Gate::default();
        assert_eq!(gate.begin_resume(), Some(BTreeMap::new()));
        gate.caught_up(A);
        assert_eq!(gate.live(A, 9, 'a'), Passage::Pass('a'));
        assert_eq!(gate.live(B, 1, 'b'), Passage::Kept);
        assert_eq!(gate.end_resume(), Err(vec![B]));
        gate.caught_up(B);
        assert_eq!(gate.end_resume(), Ok(()));
        assert_eq!(gate.live(B, 2, 'c'), Passage::Pass('c'));
        assert_eq!(gate.begin_resume(), None);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut gate = Gate::default();
        let mut released = 0;
        for seq in 0..2000 {
            match gate.live(A, seq, seq) {
                Passage::Release(frames) => released += frames.len(),
                Passage::Pass(_) => released += 1,
                Passage::Kept => {}
            }
        }
        assert_eq!(released, 2000);
    }

    proptest! {
        /// A client resumes from some cursor at some moment while events go on: it gets each after the cursor once and in order.
        #[test]
        fn a_resume_and_live_events_come_out_once_and_in_order(cursor in 0_u64..10, before in 0_u64..10, pages in proptest::collection::vec(0_u64..4, 0..6)) {
            let (mut gate, mut got) = (Gate::default(), Vec::new());
            let mut end = 10;
            for _ in 0..before {
                end += 1;
                assert_eq!(gate.live(A, end, end), Passage::Kept);
            }
            let first_live = gate.begin_resume().unwrap();
            assert!(first_live.is_empty());
            let mut at = cursor;
            for more in pages {
                for _ in 0..more {
                    end += 1;
                    assert_eq!(gate.live(A, end, end), Passage::Kept);
                }
                // A page of two from the log.
                let until = end.min(at + 2);
                got.extend(at + 1..=until);
                at = until;
            }
            got.extend(at + 1..=end);
            gate.caught_up(A);
            end += 1;
            if let Passage::Pass(seq) = gate.live(A, end, end) {
                got.push(seq);
            }
            assert_eq!(gate.end_resume(), Ok(()));
            prop_assert_eq!(got, (cursor + 1..=end).collect::<Vec<_>>());
        }
    }
}
