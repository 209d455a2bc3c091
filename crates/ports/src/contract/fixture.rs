//! Users, conversations and appends for the tests.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use protocol::account::User;
use protocol::{ClientId, ConversationId, Event, EventBody, EventKind, Timestamp, Username};

use super::Backend;
use crate::{
    Account, Append, Appended, Conversation, Entropy, Error, NewGroup, Operation, Result, SystemEntropy,
};

/// When the tests take place.
pub(super) const NOW: Timestamp = Timestamp(4_000_000_000_000);

/// Gives random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let entropy: &dyn Entropy = &SystemEntropy;
    entropy.bytes()
}

/// Gives a text that nothing else has.
pub(super) fn unique() -> String {
    format!("{:08x}", u32::from_be_bytes(random()))
}

/// Gives a name that nobody has.
pub(super) fn free_name(name: &str) -> Username {
    Username::new(&format!("{name}-{}", unique())).unwrap()
}

/// Gives an account for a name.
pub(super) fn account_of(username: &Username) -> Account {
    let user = User {
        username: username.clone(),
        display_name: username.as_str().to_owned(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: NOW,
    };
    Account { user, password_hash: "hash".to_owned(), throttle: Vec::new() }
}

/// Makes a user.
pub(super) async fn user(store: &impl Backend, name: &str) -> Username {
    let username = free_name(name);
    store.create_account(account_of(&username)).await.unwrap();
    username
}

/// Makes two users, the names in order, and their direct conversation.
pub(super) async fn pair(store: &impl Backend) -> (Username, Username, Conversation) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = store.direct_conversation(&ada, &ben, NOW).await.unwrap();
    (ada, ben, conversation)
}

/// Makes a group.
pub(super) async fn group(store: &impl Backend, owner: &Username, members: &[&Username]) -> Conversation {
    store.create_group(new_group(owner, members)).await.unwrap()
}

/// Gives a group to be made.
pub(super) fn new_group(owner: &Username, members: &[&Username]) -> NewGroup {
    NewGroup {
        id: ConversationId(random()),
        title: Some("group".to_owned()),
        owner: owner.clone(),
        members: members.iter().map(|member| (*member).clone()).collect(),
        at: NOW,
    }
}

/// Gives an append of a message.
pub(super) fn message(conversation: ConversationId, from: &Username, id: &str, text: &str) -> Append {
    let mut body = EventBody::new(EventKind::Message, from.clone(), ClientId::new(id).unwrap(), NOW);
    body.text = Some(text.to_owned());
    append(conversation, &body, Operation::Message)
}

/// Gives an append of an edit.
pub(super) fn edit(
    conversation: ConversationId,
    from: &Username,
    id: &str,
    target: u64,
    text: &str,
) -> Append {
    let mut body = EventBody::new(EventKind::Edited, from.clone(), ClientId::new(id).unwrap(), NOW.plus(1));
    (body.target, body.text) = (Some(target), Some(text.to_owned()));
    append(conversation, &body, Operation::Edit { target, text: text.to_owned() })
}

/// Gives an append of a deletion.
pub(super) fn delete(conversation: ConversationId, from: &Username, id: &str, target: u64) -> Append {
    let mut body = EventBody::new(EventKind::Deleted, from.clone(), ClientId::new(id).unwrap(), NOW.plus(2));
    body.target = Some(target);
    append(conversation, &body, Operation::Delete { target })
}

/// Gives an append of a reaction.
pub(super) fn react(
    conversation: ConversationId,
    from: &Username,
    id: &str,
    target: u64,
    emoji: &str,
    active: bool,
) -> Append {
    let mut body = EventBody::new(EventKind::Reacted, from.clone(), ClientId::new(id).unwrap(), NOW.plus(3));
    (body.target, body.emoji, body.active) = (Some(target), Some(emoji.to_owned()), Some(active));
    append(conversation, &body, Operation::React { target, emoji: emoji.to_owned(), active })
}

fn append(conversation: ConversationId, body: &EventBody, operation: Operation) -> Append {
    let encoded = body.encode();
    // Any digest will do that tells other bodies apart (FNV-1a).
    let digest = encoded.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    Append {
        conversation,
        from: body.from.clone(),
        id: body.id.clone(),
        digest,
        operation,
        body: encoded,
        at: body.sent_at,
    }
}

/// Appends a message and gives its place.
pub(super) async fn send(
    store: &impl Backend,
    conversation: &Conversation,
    from: &Username,
    text: &str,
) -> Appended {
    store.append(message(conversation.id, from, &unique(), text)).await.unwrap()
}

/// Decodes an event.
pub(super) fn body(event: &Event) -> EventBody {
    EventBody::decode(&event.body).unwrap()
}

/// Gives the texts of events.
pub(super) fn texts(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| body(event).text.unwrap_or_default()).collect()
}

/// Gives the numbers of events.
pub(super) fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.position.seq).collect()
}

/// Gives the error of what must have failed.
#[track_caller]
pub(super) fn error<T>(result: Result<T>) -> Error {
    let Err(error) = result else { panic!("it did not fail") };
    error
}

/// Says whether a future waits, and gives it back to be awaited.
pub(super) async fn assert_waits<F: Future + Unpin>(mut future: F) -> F {
    // More than once, because an adapter may be about to learn that there is nothing.
    for _ in 0..20 {
        let polled = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending), "it does not wait");
        tokio::task::yield_now().await;
    }
    future
}
