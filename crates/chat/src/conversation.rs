//! The conversations that concern this shard: those with a member connected here.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use ports::Conversation;
use protocol::conversation::{ConversationView, Member};
use protocol::{ConversationId, Event, Position, Shard, Username};
use session::Sequencer;
use telemetry::IntGauge;

use crate::clients::{Join, LocalUser};
use crate::metrics::show;

/// Of how many conversations the shard remembers that they concern nobody here.
const KNOWN_ELSEWHERE: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

/// A conversation with a member connected here.
pub(crate) struct LocalConversation {
    /// Which one.
    pub(crate) id: ConversationId,
    /// All that changes, under one lock: what is shown to the members' sockets is shown under it, in the log's order.
    pub(crate) state: Mutex<State>,
    /// Held while the log is read on: whoever waits for it reads what has come since.
    pub(crate) reading: tokio::sync::Mutex<()>,
}

/// What a shard knows of a conversation.
pub(crate) struct State {
    /// Title and members as last read.
    pub(crate) record: Arc<Conversation>,
    /// The version whose members have all been made to receive it here.
    pub(crate) joined: u64,
    /// The order of what is shown.
    pub(crate) sequencer: Sequencer<Event>,
    /// The members connected here.
    pub(crate) locals: Vec<Arc<LocalUser>>,
    /// Where the other members' hints go, and by which tables and members that was found.
    pub(crate) route: Option<(RouteKey, Arc<[Shard]>)>,
    /// The log's end when the last sweep saw it ahead of what was shown.
    pub(crate) behind: Option<Position>,
}

/// By which tables' epochs and which version of the members a route was found.
pub(crate) type RouteKey = (u64, u64, u64);

/// Whether a member's sockets receive what is shown from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attach {
    /// They do.
    Done,
    /// Something was shown meanwhile that the member has not been shown.
    Moved,
    /// They never will: the user has gone, or is no member.
    Never,
}

/// The conversations that concern this shard.
pub(crate) struct LocalConversations {
    map: Mutex<BTreeMap<ConversationId, Arc<LocalConversation>>>,
    /// Those of which hints came though they concern nobody here, by version: nothing is read for the next hint.
    elsewhere: Mutex<LruCache<ConversationId, u64>>,
    count: IntGauge,
}

impl State {
    fn new(record: Arc<Conversation>, reached: Position) -> Self {
        Self {
            record,
            joined: 0,
            sequencer: Sequencer::new(reached),
            locals: Vec::new(),
            route: None,
            behind: None,
        }
    }

    /// Says whether the user is a member as far as this shard knows.
    pub(crate) fn has_member(&self, user: &Username) -> bool {
        self.record.members.binary_search_by(|member| member.username.cmp(user)).is_ok()
    }

    /// Makes the sockets of those who are no members receive nothing more.
    pub(crate) fn detach_others(&mut self) {
        let (record, id) = (&self.record, self.record.id);
        self.locals.retain(|user| {
            let stays = record.members.binary_search_by(|member| member.username.cmp(&user.name)).is_ok();
            if !stays {
                user.note_left(id);
            }
            stays
        });
    }

    /// Makes a member's sockets receive what is shown from now on.
    fn attach(&mut self, user: &Arc<LocalUser>) -> Attach {
        if !self.has_member(&user.name) {
            return Attach::Never;
        }
        match user.note_joined(self.record.id) {
            Join::New => self.locals.push(user.clone()),
            Join::Known => {}
            Join::Gone => return Attach::Never,
        }
        Attach::Done
    }
}

impl LocalConversations {
    /// Makes an empty set; `count` shows how many there are.
    pub(crate) fn new(count: IntGauge) -> Self {
        Self { map: Mutex::default(), elsewhere: Mutex::new(LruCache::new(KNOWN_ELSEWHERE)), count }
    }

    /// Gives a conversation that concerns this shard.
    pub(crate) fn get(&self, id: ConversationId) -> Option<Arc<LocalConversation>> {
        self.map.lock().get(&id).cloned()
    }

    /// Gives all of them.
    pub(crate) fn all(&self) -> Vec<Arc<LocalConversation>> {
        self.map.lock().values().cloned().collect()
    }

    /// Gives how many there are.
    pub(crate) fn len(&self) -> usize {
        self.map.lock().len()
    }

    /// Makes a member's sockets receive what is shown from now on, if `reached` still is what was shown last.
    pub(crate) fn attach_at(&self, id: ConversationId, user: &Arc<LocalUser>, reached: Position) -> Attach {
        let map = self.map.lock();
        let Some(conversation) = map.get(&id) else { return Attach::Moved };
        let mut state = conversation.state.lock();
        if state.sequencer.reached() == reached { state.attach(user) } else { Attach::Moved }
    }

    /// Makes a member's sockets receive what is shown from now on, if the conversation concerns this shard already; says whether they do.
    pub(crate) fn attach_known(&self, id: ConversationId, user: &Arc<LocalUser>) -> bool {
        let map = self.map.lock();
        map.get(&id).is_some_and(|conversation| conversation.state.lock().attach(user) == Attach::Done)
    }

    /// Makes a conversation concern this shard by its first member here, to whom is shown what comes after `reached`.
    ///
    /// Gives `Moved` if it concerns this shard already.
    pub(crate) fn begin(
        &self,
        user: &Arc<LocalUser>,
        record: Arc<Conversation>,
        reached: Position,
    ) -> Result<Arc<LocalConversation>, Attach> {
        let mut map = self.map.lock();
        if map.contains_key(&record.id) {
            return Err(Attach::Moved);
        }
        self.insert(&mut map, user, record, reached)
    }

    /// Makes a member's sockets receive what is shown from now on, whether the conversation concerns this shard already or, from `reached` on,
    /// by this member.
    pub(crate) fn attach_or_begin(
        &self,
        user: &Arc<LocalUser>,
        record: Arc<Conversation>,
        reached: Position,
    ) -> Attach {
        // One lock: another may come or go meanwhile, by whom the conversation becomes known or forgotten.
        let mut map = self.map.lock();
        match map.get(&record.id) {
            Some(conversation) => conversation.state.lock().attach(user),
            None => {
                self.insert(&mut map, user, record, reached).map_or_else(|attach| attach, |_| Attach::Done)
            }
        }
    }

    fn insert(
        &self,
        map: &mut BTreeMap<ConversationId, Arc<LocalConversation>>,
        user: &Arc<LocalUser>,
        record: Arc<Conversation>,
        reached: Position,
    ) -> Result<Arc<LocalConversation>, Attach> {
        let id = record.id;
        let mut state = State::new(record, reached);
        let attached = state.attach(user);
        if attached != Attach::Done {
            return Err(attached);
        }
        let (state, reading) = (Mutex::new(state), tokio::sync::Mutex::default());
        let conversation = Arc::new(LocalConversation { id, state, reading });
        map.insert(id, conversation.clone());
        show(&self.count, map.len());
        Ok(conversation)
    }

    /// Makes a user's sockets receive nothing more of a conversation, and forgets it with its last local member.
    pub(crate) fn detach(&self, id: ConversationId, user: &Arc<LocalUser>) {
        if let Some(conversation) = self.get(id) {
            let mut state = conversation.state.lock();
            user.note_left(id);
            state.locals.retain(|local| !Arc::ptr_eq(local, user));
        }
        self.forget_empty(id);
    }

    /// Forgets a conversation if it has no local member.
    pub(crate) fn forget_empty(&self, id: ConversationId) {
        let mut map = self.map.lock();
        let is_empty = |conversation: &Arc<LocalConversation>| conversation.state.lock().locals.is_empty();
        if map.get(&id).is_some_and(is_empty) {
            map.remove(&id);
            show(&self.count, map.len());
        }
    }

    /// Takes note that a version of a conversation concerns nobody here.
    pub(crate) fn note_elsewhere(&self, id: ConversationId, version: u64) {
        self.elsewhere.lock().put(id, version);
    }

    /// Says whether this version of a conversation is known to concern nobody here.
    pub(crate) fn is_elsewhere(&self, id: ConversationId, version: u64) -> bool {
        self.elsewhere.lock().get(&id).is_some_and(|known| *known >= version)
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
