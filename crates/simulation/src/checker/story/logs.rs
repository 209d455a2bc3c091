//! What the store took into the conversations' logs, and what it lost of it.

use std::collections::BTreeMap;

use protocol::{ClientId, ConversationId, EventKind, Position, Username};

use super::{Index, NEVER};
use crate::history::{Happened, Moment};

/// An event that the store took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) at: Index,
    pub(crate) conversation: ConversationId,
    pub(crate) position: Position,
    pub(crate) from: &'a Username,
    pub(crate) id: &'a ClientId,
    pub(crate) kind: EventKind,
    /// When it was lost, or [`NEVER`].
    pub(crate) lost_at: Index,
}

/// The end of a log was lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) at: Index,
    /// The first number that was lost.
    pub(crate) first: u64,
}

/// What the store took, and lost.
#[derive(Default)]
pub(crate) struct Logs<'a> {
    commits: Vec<Commit<'a>>,
    by_position: BTreeMap<(ConversationId, Position), usize>,
    by_request: BTreeMap<(&'a Username, &'a ClientId), Vec<usize>>,
    by_seq: BTreeMap<(ConversationId, u64), Vec<usize>>,
    losses: BTreeMap<ConversationId, Vec<Loss>>,
    /// When the store lost something, if only marks or members.
    pub(crate) lost_at: Vec<Index>,
    /// Events at places at which another one was before, each with that one.
    pub(crate) clashes: Vec<(Commit<'a>, Commit<'a>)>,
}

impl<'a> Logs<'a> {
    pub(super) fn read(moments: &'a [Moment]) -> Self {
        let mut logs = Self::default();
        for (at, moment) in moments.iter().enumerate() {
            match &moment.what {
                Happened::Committed { conversation, position, from, id, kind, .. } => {
                    let (conversation, position, kind) = (*conversation, *position, *kind);
                    logs.take(Commit { at, conversation, position, from, id, kind, lost_at: NEVER });
                }
                Happened::LostTail { lost } => logs.lose(at, lost),
                _ => {}
            }
        }
        logs
    }

    /// Gives everything that was taken, in the order of taking.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Commit<'a>> {
        self.commits.iter()
    }

    /// Gives the event at a place.
    pub(crate) fn at(&self, conversation: ConversationId, position: Position) -> Option<&Commit<'a>> {
        self.by_position.get(&(conversation, position)).and_then(|index| self.commits.get(*index))
    }

    /// Gives the events that a request became: more than one only where one was lost.
    pub(crate) fn of_request<'s>(
        &'s self,
        user: &'s Username,
        id: &'s ClientId,
    ) -> impl Iterator<Item = &'s Commit<'a>> {
        self.by_request.get(&(user, id)).into_iter().flatten().filter_map(|index| self.commits.get(*index))
    }

    /// Gives the events that ever had a number, in the order of taking.
    pub(crate) fn with_seq(
        &self,
        conversation: ConversationId,
        seq: u64,
    ) -> impl DoubleEndedIterator<Item = &Commit<'a>> {
        let indices = self.by_seq.get(&(conversation, seq)).into_iter().flatten();
        indices.filter_map(|index| self.commits.get(*index))
    }

    /// Gives the event that had a number at a moment.
    pub(crate) fn standing(&self, conversation: ConversationId, seq: u64, at: Index) -> Option<&Commit<'a>> {
        self.with_seq(conversation, seq).rev().find(|commit| commit.at < at && at < commit.lost_at)
    }

    /// Gives the first number that a log lost between two moments, if it lost any.
    pub(crate) fn first_lost(
        &self,
        conversation: ConversationId,
        after: Index,
        before: Index,
    ) -> Option<u64> {
        let losses = self.losses.get(&conversation)?;
        let between = losses.iter().filter(|loss| after < loss.at && loss.at < before);
        between.map(|loss| loss.first).min()
    }

    fn take(&mut self, commit: Commit<'a>) {
        let Commit { conversation, position, from, id, .. } = commit;
        let index = self.commits.len();
        if let Some(before) = self.at(conversation, position) {
            self.clashes.push((commit, *before));
        } else {
            self.by_position.insert((conversation, position), index);
        }
        self.by_request.entry((from, id)).or_default().push(index);
        self.by_seq.entry((conversation, position.seq)).or_default().push(index);
        self.commits.push(commit);
    }

    fn lose(&mut self, at: Index, lost: &[(ConversationId, Position)]) {
        self.lost_at.push(at);
        let mut firsts: BTreeMap<ConversationId, u64> = BTreeMap::new();
        for (conversation, position) in lost {
            let first = firsts.entry(*conversation).or_insert(position.seq);
            *first = position.seq.min(*first);
            let index = self.by_position.get(&(*conversation, *position));
            if let Some(commit) = index.and_then(|index| self.commits.get_mut(*index)) {
                commit.lost_at = commit.lost_at.min(at);
            }
        }
        for (conversation, first) in firsts {
            self.losses.entry(conversation).or_default().push(Loss { at, first });
        }
    }
}
