//! The histories that a device has to read anew.

use std::collections::BTreeMap;

use protocol::{ClientId, ConversationId};
use tokio::time::Instant;

/// The histories that a device has to read anew, page by page, one after the other.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// After which number to read on, by conversation.
    wanted: BTreeMap<ConversationId, u64>,
    asked: Option<Asked>,
}

/// The page that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) conversation: ConversationId,
    /// After which number.
    pub(super) after: u64,
    /// The request's id; over HTTP there is none.
    pub(super) id: Option<ClientId>,
    /// When it is asked for again.
    pub(super) until: Instant,
    /// Whether the history was wanted anew since.
    pub(super) stale: bool,
}

impl Pages {
    /// Takes a conversation whose history is to be read from its beginning.
    pub(super) fn want(&mut self, conversation: ConversationId) {
        self.wanted.insert(conversation, 0);
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.conversation == conversation) {
            asked.stale = true;
        }
    }

    /// Gives what to ask for next, unless something was asked for.
    pub(super) fn next(&self) -> Option<(ConversationId, u64)> {
        let first = self.wanted.first_key_value().map(|(conversation, after)| (*conversation, *after));
        first.filter(|_| self.asked.is_none())
    }

    /// Takes note that a page was asked for.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// Gives the page that was asked for over the socket under this id.
    pub(super) fn asked(&self, id: &ClientId) -> Option<&Asked> {
        self.asked.as_ref().filter(|asked| asked.id.as_ref() == Some(id))
    }

    /// Takes the answer: the number of its last message, and whether there are more.
    pub(super) fn answered(&mut self, last: Option<u64>, more: bool) {
        let Some(asked) = self.asked.take() else { return };
        if asked.stale || !self.wanted.contains_key(&asked.conversation) {
            return;
        }
        match last {
            Some(last) if more => drop(self.wanted.insert(asked.conversation, last)),
            _ => drop(self.wanted.remove(&asked.conversation)),
        }
    }

    /// Takes note that there was no answer.
    pub(super) fn failed(&mut self) {
        self.asked = None;
    }

    /// Forgets a conversation that the user has left.
    pub(super) fn forget(&mut self, conversation: ConversationId) {
        self.wanted.remove(&conversation);
    }

    /// Gives when what was asked for over the socket is asked for again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.asked.as_ref().filter(|asked| asked.id.is_some()).map(|asked| asked.until)
    }

    /// Says whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }
}
