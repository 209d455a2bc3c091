//! Noting what was delivered and read, and telling the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use ports::{Error, Result};
use protocol::chat::{Read, Receipt, ServerFrame, Typing};
use protocol::hint::Hint;
use protocol::{ConversationId, Username};

use crate::clients::LocalUser;
use crate::conversation::LocalConversation;
use crate::shard::Shared;

/// How many marks are moved at once: a store gathers them.
const MARKS_AT_ONCE: usize = 64;

/// Deliveries that are not noted yet: of each conversation and member only the last one counts.
#[derive(Default)]
pub(crate) struct Marks {
    delivered: Mutex<BTreeMap<(ConversationId, Username), u64>>,
}

impl Marks {
    /// Takes note that an event was put into the queue of one of the member's sockets.
    pub(crate) fn delivered(&self, conversation: ConversationId, user: &Username, seq: u64) {
        let mut delivered = self.delivered.lock();
        let last = delivered.entry((conversation, user.clone())).or_insert(seq);
        *last = seq.max(*last);
    }

    /// Gives how many are not noted yet.
    pub(crate) fn len(&self) -> usize {
        self.delivered.lock().len()
    }

    fn take(&self) -> BTreeMap<(ConversationId, Username), u64> {
        std::mem::take(&mut *self.delivered.lock())
    }
}

impl Shared {
    /// Notes deliveries every now and then, for ever.
    pub(crate) async fn note_deliveries(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.options.marks_every).await;
            let noting = self.marks.take().into_iter().map(|((conversation, user), seq)| {
                let shared = self.clone();
                async move { shared.note_delivery(conversation, &user, seq).await }
            });
            stream::iter(noting).for_each_concurrent(MARKS_AT_ONCE, |noted| noted).await;
        }
    }

    async fn note_delivery(&self, conversation: ConversationId, user: &Username, seq: u64) {
        match self.mark(conversation, user, None, Some(seq)).await {
            Ok(()) => {}
            Err(Error::Unavailable(reason)) => {
                tracing::debug!(%reason, "cannot note a delivery now");
                self.marks.delivered(conversation, user, seq);
            }
            Err(error) => tracing::warn!(%error, "cannot note a delivery"),
        }
    }

    /// Moves a user's read mark.
    pub(crate) async fn read_until(&self, user: &LocalUser, read: &Read) -> Result<()> {
        self.member_of(user, read.conversation)?;
        self.mark(read.conversation, &user.name, Some(read.seq), None).await
    }

    /// Tells the others that a user types; it is never stored.
    pub(crate) fn typing(&self, user: &LocalUser, typing: &Typing) -> Result<()> {
        let local = self.member_of(user, typing.conversation)?;
        if local.state.lock().record.blocked {
            return Err(Error::NotAllowed);
        }
        let hint = Hint::Typing {
            conversation: typing.conversation,
            user: user.name.clone(),
            active: typing.active,
        };
        self.tell(&local, hint);
        Ok(())
    }

    /// Gives a conversation of which the user is a member.
    fn member_of(&self, user: &LocalUser, id: ConversationId) -> Result<Arc<LocalConversation>> {
        let local = self.conversations.get(id).ok_or(Error::ConversationNotFound)?;
        let is_member = local.state.lock().has_member(&user.name);
        if is_member { Ok(local) } else { Err(Error::ConversationNotFound) }
    }

    /// Shows typing or a receipt to the members here and, by a hint, elsewhere.
    fn tell(&self, local: &Arc<LocalConversation>, hint: Hint) {
        let mut state = local.state.lock();
        // Who blocks, and who is blocked, learns nothing more of the other.
        if state.record.blocked || state.record.members.len() > self.options.receipts_members {
            return;
        }
        let (shards, epoch) = self.route.of(&mut state);
        self.show_passing(&state.locals, &hint);
        self.forward.hint(&shards, epoch, hint);
    }

    /// Shows typing or a receipt to the members here.
    pub(crate) fn show_passing(&self, locals: &[Arc<LocalUser>], hint: &Hint) {
        let (frame, typist) = match hint {
            Hint::Typing { conversation, user, active } => {
                let (conversation, active) = (*conversation, *active);
                (ServerFrame::Typing { conversation, user: user.clone(), active }, Some(user))
            }
            Hint::Receipt { conversation, user, delivered, read } => {
                let (conversation, delivered, read) = (*conversation, *delivered, *read);
                (ServerFrame::Receipt(Receipt { conversation, user: user.clone(), delivered, read }), None)
            }
            _ => return,
        };
        let frame = websocket::text(&frame.encode());
        for user in locals.iter().filter(|user| Some(&user.name) != typist) {
            user.connections.lock().iter().for_each(|connection| connection.push(frame.clone()));
        }
    }

    async fn mark(
        &self,
        conversation: ConversationId,
        user: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<()> {
        // One who has just gone needs no order.
        let local = self.clients.get(user);
        let _order = match &local {
            Some(local) => Some(local.marking.lock().await),
            None => None,
        };
        let Some(membership) = self.store.mark(conversation, user, read, delivered).await? else {
            return Ok(());
        };
        let Some(local) = self.conversations.get(conversation) else { return Ok(()) };
        let hint = Hint::Receipt {
            conversation,
            user: user.clone(),
            delivered: Some(membership.delivered).filter(|seq| *seq > 0),
            read: Some(membership.read).filter(|seq| *seq > 0),
        };
        self.tell(&local, hint);
        Ok(())
    }
}
