//! What was asked for.

use std::collections::BTreeMap;

use protocol::conversation::ConversationKind;
use protocol::{ClientId, ConversationId, Username};

use super::{Index, Logs, People};
use crate::history::{ConnectionId, Happened, Moment, Request, To};
use crate::store::Truth;

/// A request, each time that it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) at: Index,
    pub(crate) connection: ConnectionId,
    pub(crate) user: &'a Username,
    pub(crate) id: &'a ClientId,
    /// Where; nothing if it went to a user and it is not known in which conversation.
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) request: &'a Request,
}

/// What was asked for.
#[derive(Default)]
pub(crate) struct Requests<'a> {
    asks: Vec<Ask<'a>>,
    by_request: BTreeMap<(&'a Username, &'a ClientId), Vec<usize>>,
    by_connection: BTreeMap<(ConnectionId, &'a ClientId), Index>,
}

impl<'a> Requests<'a> {
    pub(super) fn read(moments: &'a [Moment], truth: &Truth, people: &People<'a>, logs: &Logs<'a>) -> Self {
        let directs = directs(truth);
        let mut requests = Self::default();
        for (at, moment) in moments.iter().enumerate() {
            let Happened::Asked { device, connection, id, to, request } = &moment.what else { continue };
            let Some(user) = people.owner(*device) else { continue };
            let conversation = match to {
                To::Conversation(conversation) => Some(*conversation),
                To::User(other) => {
                    let known = directs.get(&(user.min(other), user.max(other))).copied();
                    known.or_else(|| logs.of_request(user, id).next().map(|commit| commit.conversation))
                }
            };
            requests.by_request.entry((user, id)).or_default().push(requests.asks.len());
            requests.by_connection.entry((*connection, id)).or_insert(at);
            requests.asks.push(Ask { at, connection: *connection, user, id, conversation, request });
        }
        requests
    }

    /// Gives everything that was asked for, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ask<'a>> {
        self.asks.iter()
    }

    /// Gives each time that a user sent a request into a conversation, in order.
    pub(crate) fn of<'s>(
        &'s self,
        conversation: ConversationId,
        user: &'s Username,
        id: &'s ClientId,
    ) -> impl Iterator<Item = &'s Ask<'a>> {
        let indices = self.by_request.get(&(user, id)).into_iter().flatten();
        let asks = indices.filter_map(|index| self.asks.get(*index));
        asks.filter(move |ask| ask.conversation.is_none_or(|known| known == conversation))
    }

    /// Says whether a request was sent on a connection before a moment.
    pub(crate) fn is_sent_on(&self, connection: ConnectionId, id: &ClientId, before: Index) -> bool {
        self.by_connection.get(&(connection, id)).is_some_and(|at| *at < before)
    }
}

/// Gives the direct conversations by their pairs, the smaller name first.
fn directs(truth: &Truth) -> BTreeMap<(&Username, &Username), ConversationId> {
    let conversations = truth.conversations.iter();
    let direct = conversations.filter(|(_, known)| known.record.kind == ConversationKind::Direct);
    let pairs = direct.filter_map(|(id, known)| {
        let members = &known.record.members;
        Some(((&members.first()?.username, &members.last()?.username), *id))
    });
    pairs.collect()
}
