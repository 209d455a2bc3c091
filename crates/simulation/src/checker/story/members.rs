//! Who was in which conversation when.

use std::collections::BTreeMap;

use protocol::{ConversationId, Username};

use super::{Index, NEVER, Span};
use crate::history::{Happened, Moment};

/// A user was in a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stay {
    pub(crate) span: Span,
    /// The number of the last event when the user joined.
    pub(crate) joined: u64,
}

/// A conversation as it was from a moment on.
struct Version<'a> {
    at: Index,
    members: &'a [(Username, u64)],
    blocked: bool,
}

/// Who was in which conversation when.
#[derive(Default)]
pub(crate) struct Members<'a> {
    versions: BTreeMap<ConversationId, Vec<Version<'a>>>,
    stays: BTreeMap<(ConversationId, &'a Username), Vec<Stay>>,
}

impl<'a> Members<'a> {
    pub(super) fn read(moments: &'a [Moment]) -> Self {
        let mut all = Self::default();
        for (at, moment) in moments.iter().enumerate() {
            if let Happened::Members { conversation, members, blocked, .. } = &moment.what {
                all.change(*conversation, Version { at, members, blocked: *blocked });
            }
        }
        all
    }

    /// Gives when a user was in a conversation, in order.
    pub(crate) fn stays<'s>(&'s self, conversation: ConversationId, user: &'s Username) -> &'s [Stay] {
        self.stays.get(&(conversation, user)).map_or(&[], Vec::as_slice)
    }

    /// Gives a user's stay in a conversation at a moment.
    pub(crate) fn stay<'s>(
        &'s self,
        conversation: ConversationId,
        user: &'s Username,
        at: Index,
    ) -> Option<&'s Stay> {
        self.stays(conversation, user).iter().find(|stay| stay.span.covers(at))
    }

    /// Gives who was in a conversation at a moment.
    pub(crate) fn at(&self, conversation: ConversationId, at: Index) -> &'a [(Username, u64)] {
        self.version(conversation, at).map_or(&[], |version| version.members)
    }

    /// Says whether nobody could write into a conversation at a moment.
    pub(crate) fn is_blocked(&self, conversation: ConversationId, at: Index) -> bool {
        self.version(conversation, at).is_some_and(|version| version.blocked)
    }

    /// Says whether a conversation was blocked at some time after a moment.
    pub(crate) fn is_blocked_after(&self, conversation: ConversationId, after: Index) -> bool {
        let versions = self.versions.get(&conversation).into_iter().flatten().rev();
        versions.take_while(|version| version.at > after).any(|version| version.blocked)
    }

    fn version(&self, conversation: ConversationId, at: Index) -> Option<&Version<'a>> {
        let versions = self.versions.get(&conversation)?;
        versions.get(versions.partition_point(|version| version.at <= at).checked_sub(1)?)
    }

    fn change(&mut self, conversation: ConversationId, version: Version<'a>) {
        let versions = self.versions.entry(conversation).or_default();
        let before = versions.last().map_or(&[][..], |version| version.members);
        let has = |members: &[(Username, u64)], member| members.contains(member);
        for (user, _) in before.iter().filter(|member| !has(version.members, member)) {
            let stays = self.stays.get_mut(&(conversation, user));
            if let Some(stay) = stays.and_then(|stays| stays.last_mut()) {
                stay.span.until = version.at;
            }
        }
        for (user, joined) in version.members.iter().filter(|member| !has(before, member)) {
            let span = Span { from: version.at, until: NEVER };
            self.stays.entry((conversation, user)).or_default().push(Stay { span, joined: *joined });
        }
        versions.push(version);
    }
}
