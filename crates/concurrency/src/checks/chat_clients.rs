//! Who is connected to a chat shard, and which conversations concern it: `chat/src/clients.rs` and `conversation.rs`.

use std::sync::Arc;

use ports::{Conversation, ConversationMember};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, LoginId, Position, Timestamp, Username};
use shuttle::thread;
use telemetry::{IntGauge, Metrics};

use crate::clients::{Clients, LocalUser};
use crate::connection::Connection;
use crate::conversation::{Attach, LocalConversations};
use crate::explore::{explore, join};

const CONVERSATION: ConversationId = ConversationId([1; 16]);

/// A shard with one conversation, of `ada` and `bob`.
struct Shard {
    clients: Clients,
    conversations: LocalConversations,
    counts: [IntGauge; 2],
    record: Arc<Conversation>,
}

/// While sockets of two users come and go, a user who is connected receives the conversation, once; when all have gone nothing is left.
pub fn a_conversation_is_known_while_a_member_is_connected() {
    explore(|| {
        let shard = Arc::new(Shard::new());
        let sockets = ["ada", "ada", "bob"].map(|name| {
            let shard = shard.clone();
            thread::spawn(move || shard.visit(&Username::new(name).unwrap()))
        });
        // News of the conversation come in, which make it reach its members.
        let hint = thread::spawn({
            let shard = shard.clone();
            move || {
                if let Some(user) = shard.clients.get(&Username::new("ada").unwrap()) {
                    shard.attach(&user);
                }
            }
        });
        join(sockets);
        hint.join().unwrap();
        assert_eq!((shard.clients.len(), shard.conversations.len()), (0, 0));
        assert_eq!(shard.counts.each_ref().map(IntGauge::get), [0, 0]);
    });
}

/// However many sockets of a user come at once, no more stay than may.
pub fn no_more_sockets_of_a_user_stay_than_may() {
    explore(|| {
        const MOST: usize = 1;
        let shard = Arc::new(Shard::new());
        let name = Username::new("ada").unwrap();
        let coming = [(); 3].map(|()| {
            let (shard, name) = (shard.clone(), name.clone());
            thread::spawn(move || {
                shard.clients.add(&name, shard.connection(), MOST);
            })
        });
        join(coming);
        let connections = shard.clients.get(&name).unwrap().connections();
        assert_eq!(connections.len(), 3);
        assert_eq!(connections.iter().filter(|connection| !connection.is_ending()).count(), MOST);
    });
}

impl Shard {
    fn new() -> Self {
        let metrics = Metrics::new();
        let counts = ["users", "conversations"].map(|name| metrics.gauge(name, name).unwrap());
        let member = |name: &str| ConversationMember {
            username: Username::new(name).unwrap(),
            role: Role::Member,
            joined_at_seq: 0,
        };
        let record = Arc::new(Conversation {
            id: CONVERSATION,
            kind: ConversationKind::Group,
            title: None,
            created_at: Timestamp(0),
            version: 1,
            members: vec![member("ada"), member("bob")],
            blocked: false,
        });
        let [users, conversations] = counts.clone();
        let (clients, conversations) = (Clients::new(users), LocalConversations::new(conversations));
        Self { clients, conversations, counts, record }
    }

    fn connection(&self) -> Arc<Connection> {
        Arc::new(Connection::new(self.clients.next_id(), LoginId([0; 16]), 1000, 0))
    }

    /// A socket comes, its user is made to receive the conversation, and it goes.
    fn visit(&self, name: &Username) {
        let connection = self.connection();
        let user = self.clients.add(name, connection.clone(), 8);
        let attached = self.conversations.attach_or_begin(&user, self.record.clone(), Position::default());
        assert_eq!(attached, Attach::Done);
        {
            let conversation = self.conversations.get(CONVERSATION).unwrap();
            let locals = &conversation.state.lock().locals;
            assert_eq!(locals.iter().filter(|local| Arc::ptr_eq(local, &user)).count(), 1);
            assert!(user.is_in(CONVERSATION));
        }
        if self.clients.remove(&user, connection.id) {
            user.note_gone().into_iter().for_each(|id| self.conversations.detach(id, &user));
        }
    }

    /// Makes a user receive the conversation, unless the user has gone.
    fn attach(&self, user: &Arc<LocalUser>) {
        loop {
            let attached = match self.conversations.get(CONVERSATION) {
                Some(conversation) => {
                    let reached = conversation.state.lock().sequencer.reached();
                    self.conversations.attach_at(CONVERSATION, user, reached)
                }
                None => match self.conversations.begin(user, self.record.clone(), Position::default()) {
                    Ok(_) => Attach::Done,
                    Err(attached) => attached,
                },
            };
            if attached != Attach::Moved {
                return;
            }
        }
    }
}
