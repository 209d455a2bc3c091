//! Small histories, made by hand, to try the rules on.

use std::collections::BTreeMap;

use ports::{Conversation, ConversationMember};
use protocol::chat::{NotRecovered, Resumed};
use protocol::conversation::{ConversationKind, Role};
use protocol::{ClientId, ConversationId, Event, EventBody, EventKind, Position, Timestamp, Username};

use super::{Statistics, Violation, check, statistics};
use crate::history::{
    Answer, Call, CallId, ConnectionId, DeviceId, Ending, Happened, Moment, Request, ShownEvent, To,
};
use crate::store::{TrueConversation, Truth};

/// The conversation of everybody in an example.
pub(super) const TALK: ConversationId = ConversationId([7; 16]);

/// How much time passes from one moment to the next, in milliseconds.
const STEP: u64 = 10;

/// A history that grows by a moment a call. Each name has one device; its events go into [`TALK`].
#[derive(Clone)]
pub(super) struct Example {
    pub(super) truth: Truth,
    moments: Vec<Moment>,
    now: u64,
    generation: u64,
    devices: BTreeMap<Username, DeviceId>,
    chats: BTreeMap<Username, ConnectionId>,
    presences: BTreeMap<Username, ConnectionId>,
    asked: BTreeMap<ClientId, Request>,
    committed: BTreeMap<Position, ShownEvent>,
    connections: u32,
    calls: u32,
    versions: u64,
}

pub(super) fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}

pub(super) fn client_id(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

pub(super) fn at(r#gen: u64, seq: u64) -> Position {
    Position { r#gen, seq }
}

impl Example {
    /// Begins one in which each of these is in the conversation from its beginning, with a device that is not connected.
    pub(super) fn of(names: &[&str]) -> Self {
        let mut example = Self {
            truth: Truth::default(),
            moments: Vec::new(),
            now: 0,
            generation: 1,
            devices: BTreeMap::new(),
            chats: BTreeMap::new(),
            presences: BTreeMap::new(),
            asked: BTreeMap::new(),
            committed: BTreeMap::new(),
            connections: 0,
            calls: 0,
            versions: 0,
        };
        names.iter().for_each(|name| example.add_person(name));
        example.members(&names.iter().map(|name| (*name, 0)).collect::<Vec<_>>());
        example
    }

    /// Adds somebody who is not in the conversation.
    pub(super) fn add_person(&mut self, who: &str) {
        let device = DeviceId(1 + u16::try_from(self.devices.len()).unwrap());
        self.devices.insert(name(who), device);
        self.note(Happened::Device { device, user: name(who) });
    }

    /// Takes note of anything.
    pub(super) fn note(&mut self, what: Happened) {
        self.now += STEP;
        self.moments.push(Moment { at: self.now, what });
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
    }

    /// Changes who is in the conversation: each with the number after which they joined.
    pub(super) fn members(&mut self, members: &[(&str, u64)]) {
        self.change_members(members, false);
    }

    /// Lets nobody write any more.
    pub(super) fn block(&mut self, members: &[(&str, u64)]) {
        self.change_members(members, true);
    }

    fn change_members(&mut self, members: &[(&str, u64)], blocked: bool) {
        self.versions += 1;
        let members: Vec<_> = members.iter().map(|(member, joined)| (name(member), *joined)).collect();
        let member = |(username, joined): &(Username, u64)| ConversationMember {
            username: username.clone(),
            role: Role::Member,
            joined_at_seq: *joined,
        };
        let record = Conversation {
            id: TALK,
            kind: ConversationKind::Group,
            title: None,
            created_at: Timestamp(0),
            version: self.versions,
            members: members.iter().map(member).collect(),
            blocked,
        };
        let known = self.truth.conversations.entry(TALK).or_insert_with(|| TrueConversation {
            record: record.clone(),
            events: Vec::new(),
            edited: BTreeMap::new(),
            deleted: [].into(),
            reactions: [].into(),
            marks: BTreeMap::new(),
            muted: [].into(),
        });
        known.record = record;
        self.note(Happened::Members { conversation: TALK, version: self.versions, members, blocked });
    }

    pub(super) fn device(&self, who: &str) -> DeviceId {
        self.devices[&name(who)]
    }

    pub(super) fn chat(&self, who: &str) -> ConnectionId {
        self.chats[&name(who)]
    }

    fn next_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    /// Opens a connection on `/chat`.
    pub(super) fn open(&mut self, who: &str) {
        self.open_at(who, "chat-0", 1);
    }

    pub(super) fn open_at(&mut self, who: &str, shard: &str, epoch: u64) {
        let (device, connection) = (self.device(who), self.next_connection());
        self.chats.insert(name(who), connection);
        self.note(Happened::Opened { device, connection, shard: shard.to_owned(), epoch });
    }

    pub(super) fn close(&mut self, who: &str) {
        let (device, connection) = (self.device(who), self.chat(who));
        self.note(Happened::Closed { device, connection, how: Ending::Broken });
    }

    /// Opens a connection on `/presence`.
    pub(super) fn come(&mut self, who: &str) {
        let (device, connection) = (self.device(who), self.next_connection());
        self.presences.insert(name(who), connection);
        self.note(Happened::PresenceOpened { device, connection });
    }

    pub(super) fn go(&mut self, who: &str) {
        let (device, connection) = (self.device(who), self.presences[&name(who)]);
        self.note(Happened::PresenceClosed { device, connection, how: Ending::Vanished });
    }

    pub(super) fn presence(&self, who: &str) -> ConnectionId {
        self.presences[&name(who)]
    }

    /// Sends a request.
    pub(super) fn request(&mut self, who: &str, id: &str, request: Request) {
        let (device, connection, id) = (self.device(who), self.chat(who), client_id(id));
        self.asked.insert(id.clone(), request.clone());
        self.note(Happened::Asked { device, connection, id, to: To::Conversation(TALK), request });
    }

    /// Sends a message.
    pub(super) fn ask(&mut self, who: &str, id: &str) {
        self.request(who, id, Request::Message { text: text_of(id) });
    }

    /// Lets the store take a request.
    pub(super) fn commit(&mut self, who: &str, id: &str) -> Position {
        let seq = 1 + self.truth.conversations[&TALK].events.len() as u64;
        self.commit_at(who, id, at(self.generation, seq))
    }

    pub(super) fn commit_at(&mut self, who: &str, id: &str, position: Position) -> Position {
        let message = Request::Message { text: text_of(id) };
        let request = self.asked.get(&client_id(id)).cloned().unwrap_or(message);
        let known = self.truth.conversations.get_mut(&TALK).unwrap();
        let (kind, text, target) = match request {
            Request::Message { text } => (EventKind::Message, Some(text), None),
            Request::Edit { seq, text } => {
                known.edited.insert(seq, text.clone());
                (EventKind::Edited, Some(text), Some(seq))
            }
            Request::Delete { seq } => {
                known.edited.remove(&seq);
                known.deleted.insert(seq);
                (EventKind::Deleted, None, Some(seq))
            }
            Request::React { seq, .. } => (EventKind::Reacted, None, Some(seq)),
        };
        let mut body = EventBody::new(kind, name(who), client_id(id), Timestamp(self.now));
        (body.text, body.target) = (text.clone(), target);
        known.events.push(Event { conversation: TALK, position, body: body.encode() });
        let (from, id) = (name(who), client_id(id));
        let event = ShownEvent { kind, from: from.clone(), id: id.clone(), text, target, deleted: false };
        self.committed.insert(position, event);
        let outbox = kind == EventKind::Message;
        self.note(Happened::Committed { conversation: TALK, position, from, id, kind, outbox });
        position
    }

    pub(super) fn ack(&mut self, who: &str, id: &str, position: Position, duplicate: bool) {
        let (device, connection, id) = (self.device(who), self.chat(who), client_id(id));
        self.note(Happened::Acked { device, connection, id, conversation: TALK, position, duplicate });
    }

    /// Sends a message, which is committed and acked.
    pub(super) fn say(&mut self, who: &str, id: &str) -> Position {
        self.ask(who, id);
        let position = self.commit(who, id);
        self.ack(who, id, position, false);
        position
    }

    /// Gives a message the text of another id.
    pub(super) fn edit(&mut self, who: &str, id: &str, seq: u64) -> Position {
        self.request(who, id, Request::Edit { seq, text: text_of(id) });
        let position = self.commit(who, id);
        self.ack(who, id, position, false);
        position
    }

    /// Takes a message back.
    pub(super) fn delete(&mut self, who: &str, id: &str, seq: u64) -> Position {
        self.request(who, id, Request::Delete { seq });
        let position = self.commit(who, id);
        self.ack(who, id, position, false);
        position
    }

    /// Shows an event as it was committed.
    pub(super) fn show(&mut self, who: &str, position: Position) {
        let event = self.committed[&position].clone();
        self.show_whole(who, position, event);
    }

    /// Shows an event with another text, or as taken back.
    pub(super) fn show_as(&mut self, who: &str, position: Position, text: Option<&str>) {
        let event = self.with_text(position, text);
        self.show_whole(who, position, event);
    }

    /// Shows a message that may never have been committed.
    pub(super) fn show_event(&mut self, who: &str, position: Position, from: &str, id: &str) {
        let event = ShownEvent {
            kind: EventKind::Message,
            from: name(from),
            id: client_id(id),
            text: Some(text_of(id)),
            target: None,
            deleted: false,
        };
        self.show_whole(who, position, event);
    }

    fn show_whole(&mut self, who: &str, position: Position, event: ShownEvent) {
        let (device, connection) = (self.device(who), self.chat(who));
        self.note(Happened::Shown { device, connection, conversation: TALK, position, event });
    }

    fn with_text(&self, position: Position, text: Option<&str>) -> ShownEvent {
        let event = self.committed[&position].clone();
        ShownEvent { text: text.map(str::to_owned), deleted: text.is_none(), ..event }
    }

    /// Shows the last page of the history, of messages with their texts.
    pub(super) fn page(&mut self, who: &str, after: u64, messages: &[(Position, Option<&str>)]) {
        let messages = messages.iter().map(|(at, text)| (*at, self.with_text(*at, *text))).collect();
        let device = self.device(who);
        self.note(Happened::Paged { device, conversation: TALK, after, messages, more: false });
    }

    /// Tells somebody to have left the conversation.
    pub(super) fn tell_left(&mut self, who: &str) {
        let (device, connection) = (self.device(who), self.chat(who));
        let (conversation, members, left) = (TALK, Vec::new(), true);
        self.note(Happened::ConversationShown { device, connection, conversation, members, left });
    }

    /// Resumes from a cursor, or without one.
    pub(super) fn resume(&mut self, who: &str, cursor: Option<Position>) {
        let (device, connection) = (self.device(who), self.chat(who));
        let cursors = cursor.map(|cursor| (TALK, cursor)).into_iter().collect();
        self.note(Happened::ResumeAsked { device, connection, cursors });
    }

    pub(super) fn resumed(&mut self, who: &str, end: Position, recovered: bool) {
        let reason = (!recovered).then_some(NotRecovered::LogLostTail);
        let resumed = Resumed { seq: end.seq, r#gen: end.r#gen, recovered, reason };
        self.resumed_all(who, [(TALK, resumed)].into());
    }

    pub(super) fn resumed_all(&mut self, who: &str, conversations: BTreeMap<ConversationId, Resumed>) {
        let (device, connection) = (self.device(who), self.chat(who));
        self.note(Happened::Resumed { device, connection, conversations });
    }

    /// Lets the store lose the end of the log, from a number on.
    pub(super) fn lose(&mut self, first: u64) {
        self.generation += 1;
        let known = self.truth.conversations.get_mut(&TALK).unwrap();
        let lost = known.events.split_off(usize::try_from(first - 1).unwrap());
        let lost = lost.into_iter().map(|event| (TALK, event.position)).collect();
        self.note(Happened::LostTail { lost });
    }

    /// Gives a message its first text again, as a loss of its edit does.
    pub(super) fn undo_edit(&mut self, seq: u64) {
        self.truth.conversations.get_mut(&TALK).unwrap().edited.remove(&seq);
    }

    /// Puts another text into the log, as if the store had done so by itself.
    pub(super) fn rewrite_log(&mut self, seq: u64, text: &str) {
        let known = self.truth.conversations.get_mut(&TALK).unwrap();
        let event = &mut known.events[usize::try_from(seq - 1).unwrap()];
        let mut body = EventBody::decode(&event.body).unwrap();
        body.text = Some(text.to_owned());
        event.body = body.encode();
    }

    /// Moves a member's marks.
    pub(super) fn mark(&mut self, who: &str, read: u64, delivered: u64) {
        let user = name(who);
        let known = self.truth.conversations.get_mut(&TALK).unwrap();
        known.marks.insert(user.clone(), (read, delivered));
        self.note(Happened::Marked { conversation: TALK, user, read, delivered });
    }

    /// Makes a call that is answered at once.
    pub(super) fn call(&mut self, who: &str, what: Call, answer: Answer) {
        self.calls += 1;
        let (call, user) = (CallId(self.calls), name(who));
        self.note(Happened::Called { call, user, what });
        self.note(Happened::Answered { call, answer });
    }

    pub(super) fn see(&mut self, one: &str, other: &str, visible: bool) {
        self.note(Happened::Visible { one: name(one), other: name(other), visible });
    }

    /// Lets everything be quiet.
    pub(super) fn quiet(&mut self) {
        self.note(Happened::Quiet);
    }

    /// Lets the world end two minutes later.
    pub(super) fn end(&mut self) {
        self.pass(120_000);
        self.note(Happened::End);
    }

    /// Checks it.
    pub(super) fn check(&self) -> Vec<Violation> {
        check(&self.moments, &self.truth)
    }

    /// Counts what happened.
    pub(super) fn statistics(&self) -> Statistics {
        statistics(&self.moments, &self.truth)
    }

    /// Panics unless every promise was kept.
    #[track_caller]
    pub(super) fn assert_kept(&self) {
        assert_eq!(self.check(), []);
    }

    /// Panics unless this promise was broken, as this says, and no other one.
    #[track_caller]
    pub(super) fn assert_broken(&self, promise: &str, part: &str) {
        let violations = self.check();
        let is_it = |violation: &&Violation| violation.promise == promise;
        assert!(violations.iter().all(|violation| violation.promise == promise), "{violations:#?}");
        assert!(
            violations.iter().filter(is_it).any(|violation| violation.text.contains(part)),
            "{violations:#?}"
        );
    }
}

fn text_of(id: &str) -> String {
    format!("text of {id}")
}
