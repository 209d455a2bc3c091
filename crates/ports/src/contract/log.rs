//! Appending to the log.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use protocol::{ConversationId, Position};

use super::Backend;
use super::fixture::{NOW, edit, error, group, message, pair, random, send, seqs, texts, user};
use crate::{Append, Appended, Error};

/// A hundred who append at once have the numbers from 1 to 100, and each event is there once.
pub async fn concurrent_appends_have_dense_numbers(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let appends = (0..100).map(|number| {
        let from = if number % 2 == 0 { &ada } else { &ben };
        store.append(message(conversation.id, from, &format!("m{number}"), &format!("text {number}")))
    });
    let appended = join_all(appends).await;
    let numbers: BTreeSet<u64> = appended.iter().map(|done| done.as_ref().unwrap().position.seq).collect();
    assert_eq!(numbers, (1..=100).collect());
    let events = store.events(conversation.id, 0, 200).await.unwrap();
    assert_eq!(seqs(&events), (1..=100).collect::<Vec<_>>());
    for (number, done) in appended.iter().enumerate() {
        let Appended { position, sent_at, duplicate, version } = done.clone().unwrap();
        assert_eq!((sent_at, duplicate, version), (NOW, false, conversation.version));
        let event = store.event(conversation.id, position.seq).await.unwrap().unwrap();
        assert_eq!(event.position, position);
        assert_eq!(texts(&[event]), [format!("text {number}")]);
    }
}

/// The order of the calls is the order of the events, whichever future is polled first.
pub async fn queued_appends_keep_their_order(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    let mut queued: Vec<_> = (0..200)
        .map(|number| {
            store.append(message(conversation.id, &ada, &format!("m{number}"), &number.to_string()))
        })
        .collect();
    queued.reverse();
    for (number, appended) in (0..200).rev().zip(join_all(queued).await) {
        assert_eq!(appended.unwrap().position.seq, number + 1);
    }
    // An append whose future is dropped is made all the same.
    drop(store.append(message(conversation.id, &ada, "dropped", "dropped")));
    let next = send(store, &conversation, &ada, "next").await;
    assert_eq!(next.position.seq, 202);
}

/// A repeated request finds what became of the first.
pub async fn a_repeated_id_gives_the_first_place(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let first = message(conversation.id, &ada, "m1", "hi");
    let appended = store.append(first.clone()).await.unwrap();
    let edited = edit(conversation.id, &ada, "e1", 1, "hello");
    let changed = store.append(edited.clone()).await.unwrap();
    send(store, &conversation, &ben, "another").await;
    // The time of a repeated request is another.
    for (request, first) in [(first, appended), (edited, changed)] {
        let repeated = store.append(Append { at: NOW.plus(60_000), ..request }).await.unwrap();
        assert_eq!(repeated, Appended { duplicate: true, ..first });
    }
    let events = store.events(conversation.id, 0, 10).await.unwrap();
    assert_eq!(seqs(&events), [1, 2, 3]);
}

/// Of one request that is made many times at once, one appends.
pub async fn concurrent_repeats_append_once(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    let repeats = (0..20).map(|_| store.append(message(conversation.id, &ada, "m1", "hi")));
    let appended: Vec<Appended> = join_all(repeats).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(appended.iter().filter(|done| !done.duplicate).count(), 1);
    assert!(appended.iter().all(|done| done.position == appended[0].position));
    assert_eq!(store.events(conversation.id, 0, 10).await.unwrap().len(), 1);
}

/// An id that was used for something else is refused, and nothing happens.
pub async fn another_body_of_an_id_is_a_conflict(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    store.append(message(conversation.id, &ada, "m1", "hi")).await.unwrap();
    let other = store.append(message(conversation.id, &ada, "m1", "bye")).await;
    assert_eq!(error(other), Error::IdConflict);
    let other = store.append(edit(conversation.id, &ada, "m1", 1, "bye")).await;
    assert_eq!(error(other), Error::IdConflict);
    let events = store.events(conversation.id, 0, 10).await.unwrap();
    assert_eq!(texts(&events), ["hi"]);
}

/// The same id of another user, or in another conversation, is another request.
pub async fn an_id_names_a_request_of_one_user_in_one_conversation(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let other = group(store, &ada, &[]).await;
    for (conversation, from, seq) in [(&conversation, &ada, 1), (&conversation, &ben, 2), (&other, &ada, 1)] {
        let appended = store.append(message(conversation.id, from, "m1", "hi")).await.unwrap();
        assert_eq!((appended.position.seq, appended.duplicate), (seq, false));
    }
}

/// Neither a thousand other requests nor 23 hours make a request forgotten.
pub async fn a_request_is_remembered_through_a_thousand_others(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    let first = message(conversation.id, &ada, "m1", "hi");
    store.append(first.clone()).await.unwrap();
    let late = NOW.plus(23 * 60 * 60 * 1000);
    let others = (0..1_000).map(|number| {
        let other = message(conversation.id, &ada, &format!("o{number}"), "other");
        store.append(Append { at: late, ..other })
    });
    assert!(join_all(others).await.iter().all(Result::is_ok));
    let repeated = store.append(first).await.unwrap();
    assert_eq!((repeated.position.seq, repeated.duplicate, repeated.sent_at), (1, true, NOW));
}

/// Only who is in a conversation writes there.
pub async fn only_members_append(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[&ben]).await;
    let carl = user(store, "carl").await;
    let append = async |id, from| store.append(message(id, from, "m1", "hi")).await;
    assert_eq!(error(append(conversation.id, &carl).await), Error::ConversationNotFound);
    assert_eq!(error(append(ConversationId(random()), &ada).await), Error::ConversationNotFound);
    assert!(append(conversation.id, &ben).await.is_ok());
    store.remove_member(conversation.id, &ada, &ben).await.unwrap();
    let refused = store.append(message(conversation.id, &ben, "m2", "hi")).await;
    assert_eq!(error(refused), Error::ConversationNotFound);
    store.put_member(conversation.id, &ada, &carl, None).await.unwrap();
    assert!(append(conversation.id, &carl).await.is_ok());
}

/// The ends are given in the order of the question, nothing for what is empty or unknown.
pub async fn ends_are_of_the_last_events(store: &impl Backend) {
    let (ada, _, conversation) = pair(store).await;
    let empty = group(store, &ada, &[]).await;
    send(store, &conversation, &ada, "one").await;
    let last = send(store, &conversation, &ada, "two").await;
    assert!(last.position.r#gen >= 1);
    let ends = store.ends(&[empty.id, conversation.id, ConversationId(random())]).await;
    assert_eq!(ends, Ok(vec![Position::default(), last.position, Position::default()]));
}
