//! The conversations that concern this shard: those with a member connected here.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use ports::Conversation;
use protocol::conversation::{ConversationView, Member};
use protocol::{ConversationId, Event, Position, Shard, Username};
use session::Sequencer;

use crate::clients::LocalUser;

/// A conversation with a member connected here.
pub(crate) struct LocalConversation {
    /// Which one.
    pub(crate) id: ConversationId,
    /// All that changes, under one lock: what is shown to the members' sockets is shown under it, in the log's order.
    pub(crate) state: Mutex<State>,
}

/// What a shard knows of a conversation.
pub(crate) struct State {
    /// Title and members as last read.
    pub(crate) record: Arc<Conversation>,
    /// The order of what is shown.
    pub(crate) sequencer: Sequencer<Event>,
    /// The members connected here.
    pub(crate) locals: Vec<Arc<LocalUser>>,
    /// Where the other members' hints go, and by which tables and members that was found.
    pub(crate) route: Option<(RouteKey, Arc<[Shard]>)>,
    /// Whether the log is being read.
    pub(crate) reading: bool,
    /// The log's end when the last sweep saw it ahead of what was shown.
    pub(crate) behind: Option<Position>,
}

/// By which tables' epochs and which version of the members a route was found.
pub(crate) type RouteKey = (u64, u64, u64);

/// The conversations that concern this shard.
#[derive(Default)]
pub(crate) struct LocalConversations {
    map: Mutex<HashMap<ConversationId, Arc<LocalConversation>>>,
}

impl State {
    /// Says whether the user is a member as far as this shard knows.
    pub(crate) fn has_member(&self, user: &Username) -> bool {
        self.record.members.binary_search_by(|member| member.username.cmp(user)).is_ok()
    }
}

impl LocalConversations {
    /// Gives a conversation that concerns this shard.
    pub(crate) fn get(&self, id: ConversationId) -> Option<Arc<LocalConversation>> {
        self.map.lock().get(&id).cloned()
    }

    /// Gives all of them.
    pub(crate) fn all(&self) -> Vec<Arc<LocalConversation>> {
        self.map.lock().values().cloned().collect()
    }

    /// Makes a member's sockets receive what is shown from now on, if `reached` still is what was shown last; says whether it did.
    pub(crate) fn attach_at(&self, id: ConversationId, user: &Arc<LocalUser>, reached: Position) -> bool {
        let map = self.map.lock();
        let Some(conversation) = map.get(&id) else { return false };
        let mut state = conversation.state.lock();
        if state.sequencer.reached() != reached {
            return false;
        }
        attach(&mut state, id, user);
        true
    }

    /// Makes a member's sockets receive what is shown from now on, if the conversation concerns this shard already; says whether it does.
    pub(crate) fn attach_known(&self, id: ConversationId, user: &Arc<LocalUser>) -> bool {
        let map = self.map.lock();
        let Some(conversation) = map.get(&id) else { return false };
        attach(&mut conversation.state.lock(), id, user);
        true
    }

    /// Makes a member's sockets receive what is shown from now on; `make` gives the conversation where it does not concern this shard yet.
    pub(crate) fn attach(
        &self,
        id: ConversationId,
        user: &Arc<LocalUser>,
        make: impl FnOnce() -> (Arc<Conversation>, Position),
    ) -> Arc<LocalConversation> {
        let mut map = self.map.lock();
        let conversation = map.entry(id).or_insert_with(|| {
            let (record, reached) = make();
            let state = State {
                record,
                sequencer: Sequencer::new(reached),
                locals: Vec::new(),
                route: None,
                reading: false,
                behind: None,
            };
            Arc::new(LocalConversation { id, state: Mutex::new(state) })
        });
        attach(&mut conversation.state.lock(), id, user);
        conversation.clone()
    }

    /// Makes a user's sockets receive nothing more of a conversation, and forgets it with its last local member.
    pub(crate) fn detach(&self, id: ConversationId, user: &Arc<LocalUser>) {
        let mut map = self.map.lock();
        user.conversations.lock().retain(|known| *known != id);
        let Some(conversation) = map.get(&id) else { return };
        let mut state = conversation.state.lock();
        state.locals.retain(|local| !Arc::ptr_eq(local, user));
        let forgotten = state.locals.is_empty();
        drop(state);
        if forgotten {
            map.remove(&id);
        }
    }
}

fn attach(state: &mut State, id: ConversationId, user: &Arc<LocalUser>) {
    if !state.locals.iter().any(|local| Arc::ptr_eq(local, user)) {
        state.locals.push(user.clone());
        user.conversations.lock().push(id);
    }
}

/// Shows a conversation to one of its members, or to one who has left it.
pub(crate) fn view(record: &Conversation, user: &Username) -> ConversationView {
    let left = record.members.binary_search_by(|member| member.username.cmp(user)).is_err();
    let member =
        |member: &ports::ConversationMember| Member { username: member.username.clone(), role: member.role };
    ConversationView {
        id: record.id,
        kind: record.kind,
        title: if left { None } else { record.title.clone() },
        members: if left { Vec::new() } else { record.members.iter().map(member).collect() },
        created_at: record.created_at,
        version: record.version,
        left,
        state: None,
    }
}
