//! Edits, deletions and reactions.

use protocol::conversation::Role;
use protocol::{ClientId, EventBody, EventKind};

use super::Backend;
use super::fixture::{
    NOW, body, delete, edit, error, group, message, pair, react, send, seqs, texts, unique, user,
};
use crate::{Append, Error, Reaction};

/// The author gives a message another text; whoever reads later finds it.
pub async fn only_the_author_edits(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ben, &[&ada]).await;
    let id = conversation.id;
    let first = send(store, &conversation, &ada, "frist").await;
    let refused = store.append(edit(id, &ben, "e0", 1, "mine")).await;
    assert_eq!(error(refused), Error::NotAllowed);
    store.append(edit(id, &ada, "e1", 1, "first")).await.unwrap();

    let event = store.event(id, 1).await.unwrap().unwrap();
    assert_eq!(event.position, first.position);
    let edited = body(&event);
    assert_eq!((edited.kind, edited.text.as_deref()), (EventKind::Message, Some("first")));
    assert_eq!((edited.sent_at, edited.edited_at), (NOW, Some(NOW.plus(1))));
    let events = store.events(id, 0, 10).await.unwrap();
    assert_eq!(events[0], event);
    assert_eq!(body(&events[1]).kind, EventKind::Edited);
    assert_eq!((body(&events[1]).target, texts(&events)), (Some(1), vec!["first".to_owned(); 2]));
}

/// Only a message is edited, and what was content is text then.
pub async fn an_edit_needs_a_message(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    let id = conversation.id;
    let mut content = EventBody::new(EventKind::Message, ada.clone(), ClientId::new("m1").unwrap(), NOW);
    content.content = Some(serde_json::value::to_raw_value(&serde_json::json!({ "x": 1 })).unwrap());
    store.append(Append { body: content.encode(), ..message(id, &ada, "m1", "") }).await.unwrap();
    store.append(edit(id, &ada, "e1", 1, "text")).await.unwrap();
    let edited = body(&store.event(id, 1).await.unwrap().unwrap());
    assert_eq!(edited.text.as_deref(), Some("text"));
    assert!(edited.content.is_none());
    // Before the first, the edit itself, after the last.
    for target in [0, 2, 3, u64::MAX] {
        let refused = store.append(edit(id, &ada, "e2", target, "text")).await;
        assert_eq!(error(refused), Error::MessageNotFound);
        let refused = store.append(delete(id, &ada, "e2", target)).await;
        assert_eq!(error(refused), Error::MessageNotFound);
        let refused = store.append(react(id, &ada, "e2", target, "👍", true)).await;
        assert_eq!(error(refused), Error::MessageNotFound);
    }
}

/// What was taken back is nowhere, not in the events that edited it either.
pub async fn a_deleted_message_has_no_text_anywhere(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    send(store, &conversation, &ada, "secret one").await;
    send(store, &conversation, &ben, "other").await;
    store.append(edit(id, &ada, "e1", 1, "secret two")).await.unwrap();
    store.append(edit(id, &ben, "e1", 2, "another")).await.unwrap();
    store.append(delete(id, &ada, "d1", 1)).await.unwrap();

    let events = store.events(id, 0, 10).await.unwrap();
    assert_eq!(seqs(&events), [1, 2, 3, 4, 5]);
    assert_eq!(texts(&events), ["", "another", "", "another", ""]);
    let taken_back = body(&events[0]);
    assert!(taken_back.deleted && taken_back.from == ada);
    assert!(body(&events[2]).deleted && !body(&events[3]).deleted);
    assert!(events.iter().all(|event| !String::from_utf8_lossy(&event.body).contains("secret")));
    assert_eq!((body(&events[4]).kind, body(&events[4]).target), (EventKind::Deleted, Some(1)));

    for refused in [
        store.append(edit(id, &ada, "e2", 1, "again")).await,
        store.append(delete(id, &ada, "d2", 1)).await,
        store.append(react(id, &ben, "r1", 1, "👍", true)).await,
    ] {
        assert_eq!(error(refused), Error::MessageNotFound);
    }
    assert!(store.append(delete(id, &ada, "d1", 1)).await.unwrap().duplicate);
}

/// A message is taken back by its author, or by an admin or the owner of the group.
pub async fn only_authors_and_admins_delete(store: &impl Backend) {
    let (ada, ben, direct) = pair(store).await;
    send(store, &direct, &ada, "mine").await;
    assert_eq!(error(store.append(delete(direct.id, &ben, "d1", 1)).await), Error::NotAllowed);

    let carl = user(store, "carl").await;
    let group = group(store, &ada, &[&ben, &carl]).await;
    store.put_member(group.id, &ada, &ben, Some(Role::Admin)).await.unwrap();
    for from in [&ada, &ben, &carl, &carl] {
        send(store, &group, from, "text").await;
    }
    assert_eq!(error(store.append(delete(group.id, &carl, "d1", 1)).await), Error::NotAllowed);
    for (by, target) in [(&ben, 1), (&ada, 2), (&ben, 3), (&carl, 4)] {
        store.append(delete(group.id, by, &unique(), target)).await.unwrap();
    }
    // One who is no admin any more.
    store.put_member(group.id, &ada, &ben, Some(Role::Member)).await.unwrap();
    let last = send(store, &group, &ada, "last").await;
    let refused = store.append(delete(group.id, &ben, "d3", last.position.seq)).await;
    assert_eq!(error(refused), Error::NotAllowed);
}

/// Reactions are listed in order of message and time, each once.
pub async fn reactions_are_put_on_and_taken_off(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    for text in ["one", "two", "three"] {
        send(store, &conversation, &ada, text).await;
    }
    let put = async |name: &str, from, target, emoji, active| {
        store.append(react(id, from, name, target, emoji, active)).await.unwrap();
    };
    put("r1", &ben, 2, "👍", true).await;
    put("r2", &ada, 2, "👍", true).await;
    put("r3", &ada, 1, "🎉", true).await;
    put("r4", &ben, 1, "👍", true).await;
    put("r5", &ben, 2, "👍", true).await;
    put("r6", &ben, 3, "👀", true).await;
    put("r7", &ben, 3, "👀", false).await;
    put("r8", &ben, 3, "👀", false).await;
    let reaction = |target, emoji: &str, username: &protocol::Username| Reaction {
        target,
        emoji: emoji.to_owned(),
        username: username.clone(),
    };
    let on_one = [reaction(1, "🎉", &ada), reaction(1, "👍", &ben)];
    let on_two = [reaction(2, "👍", &ben), reaction(2, "👍", &ada)];
    assert_eq!(store.reactions(id, 1, 3).await.unwrap(), [on_one.clone(), on_two.clone()].concat());
    assert_eq!(store.reactions(id, 1, 1).await.unwrap(), on_one);
    assert_eq!(store.reactions(id, 2, u64::MAX).await.unwrap(), on_two);
    assert_eq!(store.reactions(id, 3, 3).await, Ok(Vec::new()));
    assert_eq!(store.reactions(id, 3, 2).await, Ok(Vec::new()));
    // Each is an event all the same.
    assert_eq!(store.ends(&[id]).await.unwrap()[0].seq, 11);
}

/// A deleted message has no reactions, and those of the next one stay.
pub async fn reactions_go_with_their_message(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    for text in ["one", "two"] {
        send(store, &conversation, &ada, text).await;
    }
    for (name, target) in [("r1", 1), ("r2", 2)] {
        store.append(react(id, &ben, name, target, "👍", true)).await.unwrap();
    }
    store.append(delete(id, &ada, "d1", 1)).await.unwrap();
    let left = store.reactions(id, 0, 10).await.unwrap();
    assert_eq!(left.iter().map(|reaction| reaction.target).collect::<Vec<_>>(), [2]);
}

/// The hundred and first different emoji is refused; more of the same are not.
pub async fn a_message_has_a_hundred_different_emojis(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    send(store, &conversation, &ada, "one").await;
    let react = async |name: &str, from, emoji: &str, active| {
        store.append(react(id, from, name, 1, emoji, active)).await.map(|_| ())
    };
    for number in 0..100 {
        assert_eq!(react(&format!("r{number}"), &ada, &format!("e{number}"), true).await, Ok(()));
    }
    assert!(matches!(react("one-more", &ada, "e100", true).await, Err(Error::LimitReached(_))));
    assert_eq!(react("s1", &ben, "e7", true).await, Ok(()));
    // An emoji goes with the last who takes it off.
    assert_eq!(react("s2", &ada, "e7", false).await, Ok(()));
    assert!(matches!(react("one-more", &ada, "e100", true).await, Err(Error::LimitReached(_))));
    assert_eq!(react("s3", &ben, "e7", false).await, Ok(()));
    assert_eq!(react("one-more", &ada, "e100", true).await, Ok(()));
}

/// What is refused takes no number, and its id may be used again.
pub async fn a_refused_append_leaves_nothing(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    send(store, &conversation, &ada, "one").await;
    assert_eq!(error(store.append(edit(id, &ben, "e1", 1, "mine")).await), Error::NotAllowed);
    assert_eq!(error(store.append(delete(id, &ben, "e1", 9)).await), Error::MessageNotFound);
    let appended = store.append(message(id, &ben, "e1", "two")).await.unwrap();
    assert_eq!((appended.position.seq, appended.duplicate), (2, false));
    let events = store.events(id, 0, 10).await.unwrap();
    assert_eq!(texts(&events), ["one", "two"]);
}
