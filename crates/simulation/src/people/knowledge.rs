//! What a person knows, from whichever device: conversations and what was said in them, whom they block, what they chose to be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::conversation::Role;
use protocol::presence::ChosenStatus;
use protocol::{ConversationId, EventKind, Position, Username};

use super::incoming::Conversation;
use crate::history::ShownEvent;

/// How many of the last messages of a conversation a person may still answer or change.
const RECENT: usize = 12;

/// What a person knows.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    pub(super) conversations: BTreeMap<ConversationId, Known>,
    /// Whom the person blocks, perhaps.
    pub(super) blocked: BTreeSet<Username>,
    /// What the person chose, if anything.
    pub(super) status: Option<ChosenStatus>,
}

/// What a person knows of a conversation.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The members beside the person.
    pub(super) others: Vec<Username>,
    pub(super) is_group: bool,
    /// Whether the person may add and remove members.
    pub(super) leads: bool,
    version: u64,
    /// The numbers of the last messages of the person.
    pub(super) own: VecDeque<u64>,
    /// The numbers of the last messages of all.
    pub(super) recent: VecDeque<u64>,
}

impl Knowledge {
    /// Takes a conversation as it is shown; an older version than the one that is known tells nothing.
    pub(super) fn conversation(&mut self, user: &Username, shown: &Conversation) {
        let known = self.conversations.entry(shown.id).or_default();
        if known.version > shown.version {
            return;
        }
        if shown.left {
            self.conversations.remove(&shown.id);
            return;
        }
        known.version = shown.version;
        known.is_group = shown.is_group;
        let others = shown.members.iter().filter(|(member, _)| member != user);
        known.others = others.map(|(member, _)| member.clone()).collect();
        known.leads = shown.members.iter().any(|(member, role)| member == user && *role >= Role::Admin);
    }

    /// Takes an event that is shown.
    pub(super) fn event(
        &mut self,
        user: &Username,
        conversation: ConversationId,
        position: Position,
        event: &ShownEvent,
    ) {
        if event.kind == EventKind::Message && !event.deleted {
            self.message(conversation, position.seq, event.from == *user);
        }
    }

    /// Takes the place of a message.
    pub(super) fn message(&mut self, conversation: ConversationId, seq: u64, is_own: bool) {
        let known = self.conversations.entry(conversation).or_default();
        remember(&mut known.recent, seq);
        if is_own {
            remember(&mut known.own, seq);
        }
    }

    /// Gives the groups in which the person may do this.
    pub(super) fn groups(&self, may: impl Fn(&Known) -> bool) -> Vec<ConversationId> {
        let groups = self.conversations.iter().filter(|(_, known)| known.is_group && may(known));
        groups.map(|(id, _)| *id).collect()
    }

    /// Gives the conversations of which this holds.
    pub(super) fn all(&self, holds: impl Fn(&Known) -> bool) -> Vec<ConversationId> {
        self.conversations.iter().filter(|(_, known)| holds(known)).map(|(id, _)| *id).collect()
    }
}

fn remember(seqs: &mut VecDeque<u64>, seq: u64) {
    if seqs.contains(&seq) {
        return;
    }
    if seqs.len() == RECENT {
        seqs.pop_front();
    }
    seqs.push_back(seq);
}
