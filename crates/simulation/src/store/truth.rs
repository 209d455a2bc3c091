//! What the store holds at the end of a run: what the checker takes for true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ports::{Conversation, Document, OutboxEntry, PresenceRecord};
use protocol::{ConversationId, Event, EventBody, EventKind, Username};

use super::data::{StoredConversation, StoredEvent};
use super::documents::TABLE;
use super::state::State;

/// Everything in the store that somebody was promised something about.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// The conversations.
    pub conversations: BTreeMap<ConversationId, TrueConversation>,
    /// What lies in the outbox after the cursors of its partitions, in order of the partitions and then of the positions.
    pub outbox_left: Vec<OutboxEntry>,
    /// What was last said of each user's presence.
    pub presences: BTreeMap<Username, PresenceRecord>,
    /// The placement table.
    pub table: Option<Document>,
}

/// A conversation and its log.
#[derive(Clone, Debug)]
pub struct TrueConversation {
    /// The conversation with its members.
    pub record: Conversation,
    /// The events in order, each with the body with which it was appended, whatever later events did to it: the event of seq `n` is at
    /// index `n - 1`.
    pub events: Vec<Event>,
    /// The texts of the messages that were edited and not taken back, as they are now, by the message's number.
    pub edited: BTreeMap<u64, String>,
    /// The numbers of the messages that were taken back.
    pub deleted: BTreeSet<u64>,
    /// The reactions that are on: number of the message, emoji, who put it on.
    pub reactions: BTreeSet<(u64, String, Username)>,
    /// How far each member has read, and how far it was delivered.
    pub marks: BTreeMap<Username, (u64, u64)>,
    /// The members who want no notifications from it.
    pub muted: BTreeSet<Username>,
}

impl State {
    /// Gives what the store holds.
    pub(super) fn truth(&self) -> Truth {
        let conversations = self.data.conversations.iter();
        let presences = self.data.presences.iter();
        Truth {
            conversations: conversations.map(|(id, stored)| (*id, truth_of(*id, stored))).collect(),
            outbox_left: self.all_pending().cloned().collect(),
            presences: presences.map(|(username, record)| (username.clone(), record.clone())).collect(),
            table: self.data.documents.get(TABLE).cloned(),
        }
    }
}

fn truth_of(id: ConversationId, stored: &StoredConversation) -> TrueConversation {
    let (mut edited, mut deleted) = (BTreeMap::new(), BTreeSet::new());
    let is_rewritten =
        |event: &&Arc<StoredEvent>| event.kind == EventKind::Message && event.body != event.first;
    for event in stored.log.iter().filter(is_rewritten) {
        // What was rewritten was decoded before.
        match EventBody::decode(&event.body).ok().and_then(|body| body.text) {
            Some(text) => drop(edited.insert(event.position.seq, text)),
            None => drop(deleted.insert(event.position.seq)),
        }
    }
    let reactions = stored.reactions.keys();
    let members = || stored.members.iter();
    let muted = members().filter(|(_, member)| member.muted);
    let first = |event: &Arc<StoredEvent>| Event {
        conversation: id,
        position: event.position,
        body: event.first.clone(),
    };
    TrueConversation {
        record: stored.record(id),
        events: stored.log.iter().map(first).collect(),
        edited,
        deleted,
        reactions: reactions.map(|(seq, username, emoji)| (*seq, emoji.clone(), username.clone())).collect(),
        marks: members().map(|(name, member)| (name.clone(), (member.read, member.delivered))).collect(),
        muted: muted.map(|(username, _)| username.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use ports::{Append, Conversations, Log, Operation};

    use super::super::scene::{Scene, message, name};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_are_as_they_were_appended_and_what_became_of_them_is_told() {
        let scene = Scene::set(1).await;
        let (id, handle) = (scene.conversation().await, &scene.handle);
        for request in ["a", "b", "c"] {
            handle.append(message(id, "ada", request)).await.unwrap();
        }
        let text = "changed".to_owned();
        let emoji = "👍".to_owned();
        for (request, from, operation) in [
            ("e1", "ada", Operation::Edit { target: 1, text: text.clone() }),
            ("e2", "ada", Operation::Edit { target: 2, text: text.clone() }),
            ("d", "ada", Operation::Delete { target: 2 }),
            ("r", "ben", Operation::React { target: 3, emoji: emoji.clone(), active: true }),
        ] {
            handle.append(Append { operation, ..message(id, from, request) }).await.unwrap();
        }
        handle.set_muted(id, &name("ben"), true).await.unwrap();
        handle.mark(id, &name("ben"), Some(2), Some(7)).await.unwrap();

        let truth = scene.store.truth();
        let TrueConversation { events, edited, deleted, reactions, marks, muted, .. } =
            &truth.conversations[&id];
        let ids = events.iter().map(|event| EventBody::decode(&event.body).unwrap());
        let texts: Vec<_> = ids.filter_map(|body| body.text).collect();
        assert_eq!(texts, ["a", "b", "c", "e1", "e2", "d", "r"].map(|id| format!("text of {id}")));
        assert_eq!(*edited, BTreeMap::from([(1, text)]));
        assert_eq!(*deleted, BTreeSet::from([2]));
        assert_eq!(*reactions, BTreeSet::from([(3, emoji, name("ben"))]));
        assert_eq!(*marks, BTreeMap::from([(name("ada"), (3, 0)), (name("ben"), (2, 7))]));
        assert_eq!(*muted, BTreeSet::from([name("ben")]));
        assert_eq!(truth.outbox_left.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
